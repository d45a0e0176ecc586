import type { Parameters } from '../nest/parameters.js';

/**
 * Parameters of an authorization response that a specification gives a meaning to: RFC 6749, sections 4.1.2 and 4.2.2;
 * RFC 9207; OpenID Connect Core 1.0, section 3.2.2.5; OpenID Connect Session Management 1.0, section 2; JARM, section 2.3.
 */
const OF_THE_PROTOCOL: readonly string[] = [
  'code',
  'id_token',
  'access_token',
  'token_type',
  'expires_in',
  'state',
  'iss',
  'scope',
  'session_state',
  'error',
  'error_description',
  'error_uri',
  'response',
];

/** Characters of names and values in all. What comes after is left out. */
const MAX_LENGTH = 8192;

/** What a login brought along beside claims and tokens. */
export interface LoginExtra {
  /**
   * The provider's own parameters of the authorization response, by name. **Not verified**: they came by the browser, and
   * whoever sits before it can write what they like. Fit for a form that the person corrects, never for a decision.
   *
   * Apple sends `user` at the first login: JSON with the person's name.
   */
  readonly unverified: Readonly<Partial<Record<string, string>>>;
}

/** The extra of an authorization response. */
export function extraOf(response: Parameters): LoginExtra {
  let left = MAX_LENGTH;
  const own = [...response].filter(([name, value]) => {
    left -= OF_THE_PROTOCOL.includes(name) ? 0 : name.length + value.length;
    return left >= 0 && !OF_THE_PROTOCOL.includes(name);
  });
  return Object.freeze({ unverified: Object.freeze(Object.fromEntries(own)) });
}
