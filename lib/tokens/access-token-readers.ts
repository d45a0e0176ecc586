import { LRUCache } from 'lru-cache';

import { ConfigError } from '../errors/errors.js';
import type { UnverifiedJwt } from '../jose/unverified-jwt.js';
import { validate } from '../values/validate.js';
import type { AccessTokenProfile } from './access-token-profile.js';
import { ACCESS_TOKEN_PROFILES } from './access-token-profiles.js';
import { AccessTokenReader } from './access-token-reader.js';
import { accessTokensSchema, type AccessTokensOption } from './access-tokens.option.js';

/** The profiles whose credential is an ID token. That one would be taken is nothing for a log to recommend. */
const OF_ID_TOKENS: readonly string[] = ['google', 'firebase'];

const READERS = Object.entries<AccessTokenProfile>(ACCESS_TOKEN_PROFILES)
  .filter(([name]) => !OF_ID_TOKENS.includes(name))
  .map(([name, profile]) => ({ name, reader: new AccessTokenReader(profile, undefined) }));

/** The names of the profiles that would take a JWT which names its API: what a log says about one that was refused. */
export function profilesThatTake(jwt: UnverifiedJwt): readonly string[] {
  return READERS.filter(({ reader }) => reader.takes(jwt) && reader.namesApi(jwt.claims)).map(({ name }) => name);
}

/**
 * Reader of a profile's access tokens for one API.
 *
 * @param member of the options that has the audiences, for the error
 * @throws {ConfigError} a profile but that of RFC 9068 needs a named audience
 */
export function accessTokenReader(
  profile: AccessTokenProfile,
  audience: readonly string[] | undefined,
  member: string,
): AccessTokenReader {
  if (audience === undefined && profile !== ACCESS_TOKEN_PROFILES.rfc9068) {
    const problem =
      "must be named where accessTokens is not 'rfc9068': nothing else tells tokens for this API from others";
    throw new ConfigError('INVALID_CONFIG', member, problem);
  }
  return new AccessTokenReader(profile, audience);
}

/** Maximum number of readers that are kept. An application has a few pairs of profile and audience. */
const MAX_READERS = 100;

/** The readers of access tokens by profile and audience. Each is made once, because that takes as long as reading ten tokens. */
export class AccessTokenReaders {
  readonly #known = new LRUCache<string, AccessTokenReader>({ max: MAX_READERS });

  /** @throws {ConfigError} there is no such profile, or it needs a named audience */
  of(accessTokens: AccessTokensOption | undefined, audience: readonly string[] | undefined): AccessTokenReader {
    const key = JSON.stringify([accessTokens, audience]);
    const known = this.#known.get(key);
    if (known !== undefined) {
      return known;
    }
    const profile = validate(accessTokensSchema, accessTokens, 'accessTokens');
    // A copy: the application may change its list.
    const reader = accessTokenReader(profile, audience && [...audience], 'audience');
    this.#known.set(key, reader);
    return reader;
  }
}
