import type { HashClaim } from '../tokens/token-hash.js';

/** A parameter of the authorization response that carries what was asked for. */
type Carried = 'code' | 'id_token' | 'access_token';

/** What comes of a response type. */
export interface ResponseType {
  /** The parameters that the response must have. The token endpoint has another ID token where there is a code. */
  readonly carries: readonly Carried[];
  /** The claims that bind the response's ID token to what comes with it: it must have them. */
  readonly hashes: readonly HashClaim[];
  /** The response mode where none is asked for. */
  readonly mode: 'query' | 'fragment';
  /** The grant types that have to be registered. */
  readonly grants: readonly string[];
}

const CODE = 'authorization_code';
const IMPLICIT = 'implicit';

/**
 * Response types, a row each, by their words in alphabetical order (OpenID Connect Core 1.0, sections 3.1, 3.2 and 3.3; the
 * hashes: sections 3.2.2.10 and 3.3.2.11; the modes: OAuth 2.0 Multiple Response Type Encoding Practices, sections 3 and 5;
 * the grant types: OpenID Connect Dynamic Client Registration 1.0, section 2).
 */
const RESPONSE_TYPES: ReadonlyMap<string, ResponseType> = new Map<string, ResponseType>([
  ['code', { carries: ['code'], hashes: [], mode: 'query', grants: [CODE] }],
  ['id_token', { carries: ['id_token'], hashes: [], mode: 'fragment', grants: [IMPLICIT] }],
  [
    'id_token token',
    { carries: ['id_token', 'access_token'], hashes: ['at_hash'], mode: 'fragment', grants: [IMPLICIT] },
  ],
  ['code id_token', { carries: ['code', 'id_token'], hashes: ['c_hash'], mode: 'fragment', grants: [CODE, IMPLICIT] }],
  ['code token', { carries: ['code', 'access_token'], hashes: [], mode: 'fragment', grants: [CODE, IMPLICIT] }],
  [
    'code id_token token',
    {
      carries: ['code', 'id_token', 'access_token'],
      hashes: ['c_hash', 'at_hash'],
      mode: 'fragment',
      grants: [CODE, IMPLICIT],
    },
  ],
]);

/** The names of the response types that a login may ask for. */
export const RESPONSE_TYPE_NAMES: readonly string[] = [...RESPONSE_TYPES.keys()];

/** The words of a response type in alphabetical order: their own order has no meaning (RFC 6749, section 3.1.1). */
export function sortedWords(name: string): string {
  return name.split(' ').toSorted().join(' ');
}

/** The row of a response type; undefined where no login may ask for it. */
export function responseTypeOf(name: string): ResponseType | undefined {
  return RESPONSE_TYPES.get(sortedWords(name));
}

/** Whether a response type brings this. */
export function carries(name: string, parameter: Carried): boolean {
  return responseTypeOf(name)?.carries.includes(parameter) === true;
}
