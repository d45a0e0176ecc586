import { AnswerMembers, type AnswerKind } from '../authorization-server/answer-members.js';
import { requireJson, requireOk } from '../authorization-server/oauth-response.js';
import type { Now } from '../clock/clock.js';
import type { HttpResponse } from '../http/response.js';
import type { DpopKey } from '../jose/dpop-key.js';
import type { JsonObject, JsonValue } from '../values/json.js';
import { isVschars } from '../values/oauth-characters.js';
import { ANY, fromDigits, SPACE_SEPARATED, TEXT, type MemberType } from '../values/tolerant-reader.js';
import { detailsOf, isDetails, type AuthorizationDetails } from './authorization-details.js';
import { TokenResponse } from './token-response.js';
import { TOKEN_TYPE } from './token-type.js';

/** The characters of a token, its type and a scope. */
const isVisible = (value: JsonValue): boolean => typeof value === 'string' && isVschars(value);

const CREDENTIAL: MemberType = { ...TEXT, is: isVisible };

/** Maximum lifetime in seconds, more than three hundred years. */
const isLifetime = (value: JsonValue): boolean => typeof value === 'number' && value >= 0 && value < 1e10;

const lifetimeFromDigits = fromDigits(10, isLifetime);

/** Lifetime in seconds, rounded down. 0 or less: the token has expired. */
const LIFETIME: MemberType = {
  read: (value) => (typeof value === 'number' ? Math.max(0, Math.floor(value)) : lifetimeFromDigits(value)),
  is: isLifetime,
};

const TOKEN_RESPONSE: AnswerKind = {
  name: 'token response',
  code: 'TOKEN_RESPONSE_INVALID',
  types: {
    access_token: CREDENTIAL,
    token_type: { ...TOKEN_TYPE, is: isVisible },
    expires_in: LIFETIME,
    // An empty scope is a grant without any.
    scope: { ...SPACE_SEPARATED, is: (value) => value === '' || isVisible(value) },
    id_token: CREDENTIAL,
    refresh_token: CREDENTIAL,
    authorization_details: { ...ANY, is: isDetails },
    issued_token_type: { ...TEXT, is: isVisible },
  },
};

/** Values of the request that stand in for members which the response may leave out. */
export interface GrantedByRequest {
  /** RFC 6749, section 5.1: the scope of a response that names none is the one that was asked for. */
  readonly scope: string;
  /** RFC 6749, section 6: a refresh that brings no new refresh token keeps the old one. */
  readonly refresh_token?: string;
  /** RFC 9396, section 7: a refresh that names no details keeps the old ones. */
  readonly authorization_details?: AuthorizationDetails | undefined;
  /** The DPoP key of the request: the token must be bound to it (RFC 9449, section 5). */
  readonly dpop_key?: DpopKey | undefined;
  /** A token exchange says what it gives, which may be no access token (RFC 8693, section 2.2.1). */
  readonly isExchange?: boolean;
}

const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token';

/**
 * Reads the answer of the token endpoint.
 *
 * @throws {OAuthError} the server refused the grant
 * @throws {ResponseError} `TOKEN_RESPONSE_INVALID`: a member is missing or of a wrong type, or the token is of a kind
 *   that was not asked for
 */
export function processTokenResponse(response: HttpResponse, request: GrantedByRequest, now: Now): TokenResponse {
  requireOk(response, 'token_endpoint');
  return readTokens(requireJson(response), request, now);
}

/** Reads the members of a token response. @throws {ResponseError} as {@link processTokenResponse} */
export function readTokens(json: JsonObject, request: GrantedByRequest, now: Now): TokenResponse {
  const members = new AnswerMembers(json, TOKEN_RESPONSE);
  const token_type = members.text('token_type');
  const issued_token_type = request.isExchange === true ? members.text('issued_token_type') : ACCESS_TOKEN_TYPE;
  const isOther = issued_token_type !== ACCESS_TOKEN_TYPE && token_type.toLowerCase() === 'n_a';
  // RFC 6749, section 7.1: a token of a type that is not understood is not used. The type's case does not matter.
  if (!isOther && token_type.toLowerCase() !== (request.dpop_key === undefined ? 'bearer' : 'dpop')) {
    throw members.wrong('token_type');
  }
  const expires_in = members.numberIfAny('expires_in');
  return new TokenResponse({
    access_token: members.text('access_token'),
    token_type,
    scope: members.textIfAny('scope') ?? request.scope,
    ...(expires_in !== undefined && { expires_at: Math.floor(now() / 1000) + expires_in, expires_in }),
    id_token: members.textIfAny('id_token'),
    refresh_token: members.textIfAny('refresh_token') ?? request.refresh_token,
    authorization_details: detailsOf(members.json) ?? request.authorization_details,
    issued_token_type: request.isExchange === true ? issued_token_type : undefined,
    dpop_key: isOther ? undefined : request.dpop_key,
  });
}
