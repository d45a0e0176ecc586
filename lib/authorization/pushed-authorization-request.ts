import { AnswerMembers, type AnswerKind } from '../authorization-server/answer-members.js';
import type { FormParameters } from '../authorization-server/form-encoding.js';
import { requireJson, requireStatus } from '../authorization-server/oauth-response.js';
import type { Server } from '../authorization-server/server.js';
import type { HttpResponse } from '../http/response.js';
import type { DpopKey } from '../jose/dpop-key.js';
import type { ParsedClientMetadata } from '../metadata/client-metadata.schema.js';
import type { ServerMetadata } from '../metadata/server-metadata.js';
import type { JsonObject, JsonValue } from '../values/json.js';
import { isNqchars } from '../values/oauth-characters.js';
import { fromDigits, TEXT } from '../values/tolerant-reader.js';
import { parsedUrl } from '../values/url.js';

/** The answer to a pushed authorization request. */
export interface PushedAuthorization {
  /** Stands for the request at the authorization endpoint, once. */
  readonly request_uri: string;
  /** Seconds for which it does. */
  readonly expires_in: number;
}

/** Whether authorization requests have to be pushed: the registration or the server demands it (RFC 9126, sections 5 and 6). */
export function mustPush(client: ParsedClientMetadata, server: ServerMetadata): boolean {
  return client.require_pushed_authorization_requests === true || server.require_pushed_authorization_requests === true;
}

/**
 * Pushed authorization request (RFC 9126): sends the parameters to the server itself, which authenticates the client before
 * the browser comes. With a DPoP key it carries a proof: that binds the code more firmly than `dpop_jkt` (RFC 9449, section
 * 10.1), and brings the nonce that the token request needs.
 *
 * It is not sent as a grant is, once over a new connection: a second copy spends nothing, and only leaves a request URI that
 * nobody uses.
 *
 * @param said the parameters, which may stand in a request object
 */
export async function pushAuthorizationRequest(
  server: Server,
  form: FormParameters,
  said: JsonObject,
  key: DpopKey | undefined,
): Promise<PushedAuthorization> {
  const options = { accept: 'application/json', retry: 'unanswered', key, said } as const;
  return processPushedAuthorization(await server.post('pushed_authorization_request_endpoint', form, options));
}

/** Longest request URI in characters: it stands in the browser's URL. */
const LONGEST_URI = 2048;

const isLifetime = (value: JsonValue): boolean => typeof value === 'number' && Number.isInteger(value) && value > 0;

function isRequestUri(value: JsonValue): boolean {
  return typeof value === 'string' && value.length <= LONGEST_URI && isNqchars(value) && parsedUrl(value) !== undefined;
}

const PUSHED: AnswerKind = {
  name: 'answer to the pushed authorization request',
  code: 'PAR_RESPONSE_INVALID',
  types: {
    request_uri: { ...TEXT, is: isRequestUri },
    expires_in: { read: fromDigits(10, isLifetime), is: isLifetime },
  },
};

/**
 * Reads the answer (RFC 9126, section 2.2).
 *
 * @throws {OAuthError} the server refused the request (section 2.3)
 * @throws {ResponseError} `PAR_RESPONSE_INVALID`: a member is missing or of a wrong type; or it is no 201
 */
export function processPushedAuthorization(response: HttpResponse): PushedAuthorization {
  requireStatus(response, 201, 'pushed_authorization_request_endpoint');
  const members = new AnswerMembers(requireJson(response), PUSHED);
  return { request_uri: members.text('request_uri'), expires_in: members.number('expires_in') };
}
