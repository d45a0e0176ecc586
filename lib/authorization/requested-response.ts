import type { ParsedClientMetadata } from '../metadata/client-metadata.schema.js';
import { findingsOf, invalid, type Check, type Finding } from '../metadata/finding.js';
import { requiredProtection } from '../metadata/protected-answer.js';
import { deliveryOf, isJarm, type ResponseMode } from './response-mode.js';
import { carries, RESPONSE_TYPE_NAMES, responseTypeOf, sortedWords } from './response-type.js';

/** How a login asks to be answered. */
export interface RequestedResponse {
  /** As it is registered: servers may compare letter by letter. */
  readonly response_type: string;
  readonly response_mode: ResponseMode;
}

/** The registered members that decide how a login may be answered. */
export type ResponseMetadata = Pick<
  ParsedClientMetadata,
  | 'response_types'
  | 'grant_types'
  | 'authorization_signed_response_alg'
  | 'authorization_encrypted_response_alg'
  | 'id_token_signed_response_alg'
  | 'dpop_bound_access_tokens'
  | 'tls_client_certificate_bound_access_tokens'
>;

/** What is asked for where a login does not say it: the first registered response type, and JARM where that is registered. */
export function requestedResponse(
  client: ResponseMetadata,
  wanted: { readonly [Member in keyof RequestedResponse]?: RequestedResponse[Member] | undefined } = {},
): RequestedResponse {
  const { response_types: [first = 'code'] = [] } = client;
  const response_type = wanted.response_type ?? first;
  const usual = requiresJarm(client) ? 'jwt' : (responseTypeOf(response_type)?.mode ?? 'query');
  return { response_type, response_mode: wanted.response_mode ?? usual };
}

const REGISTRATION = 'OpenID Connect Dynamic Client Registration 1.0, section 2';
const ENCODING = 'OAuth 2.0 Multiple Response Type Encoding Practices, section 5';
const JARM = 'JWT Secured Authorization Response Mode for OAuth 2.0 (JARM), section 3';
const BOUND = 'OAuth 2.0 Security Best Current Practice (RFC 9700), section 2.1.2';

/** What keeps a login from being answered so. */
export function responseFindings(client: ResponseMetadata, requested: RequestedResponse): readonly Finding[] {
  const { response_type, response_mode } = requested;
  const type = responseTypeOf(response_type);
  if (type === undefined || isUnregistered(client, response_type)) {
    const known = RESPONSE_TYPE_NAMES.join(', ');
    const problem =
      type === undefined ? `must begin with one of ${known}` : `does not hold ${sortedWords(response_type)}`;
    return [invalid({ member: 'client.response_types', problem }, REGISTRATION)];
  }
  const hasToken = carries(response_type, 'access_token');
  const hasIdToken = carries(response_type, 'id_token');
  return findingsOf([
    ...type.grants.map((grant): Check => [
      client.grant_types?.includes(grant) === false,
      'client.grant_types',
      `must contain ${grant}, which the response type needs`,
      REGISTRATION,
    ]),
    [
      (hasToken || hasIdToken) && deliveryOf(response_type, response_mode) === 'query',
      'login.responseMode',
      'can not be in the query where the response has tokens',
      ENCODING,
    ],
    [
      requiresJarm(client) && !isJarm(response_mode),
      'login.responseMode',
      'must be jwt, or end with .jwt: the registration asks for a JWT',
      JARM,
    ],
    [
      hasToken &&
        (client.dpop_bound_access_tokens === true || client.tls_client_certificate_bound_access_tokens === true),
      'client.response_types',
      'must not begin with one that has token: such an access token is bound to nothing, and bound ones are registered',
      BOUND,
    ],
    [
      hasIdToken && client.id_token_signed_response_alg === 'none',
      'client.id_token_signed_response_alg',
      'must not be none where the ID token comes by the browser',
      REGISTRATION,
    ],
  ]);
}

/** Whether the registration takes nothing but a JWT. */
function requiresJarm(client: ResponseMetadata): boolean {
  return requiredProtection('authorization', client) !== undefined;
}

/** Whether there is a list of response types, and this is not in it. */
function isUnregistered({ response_types }: ResponseMetadata, response_type: string): boolean {
  return response_types?.map(sortedWords).includes(sortedWords(response_type)) === false;
}
