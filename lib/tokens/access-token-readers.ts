import { LRUCache } from 'lru-cache';

import { validate } from '../values/validate.js';
import type { AccessTokenReader } from './access-token-profile.js';
import { accessTokenReader, accessTokensSchema, type AccessTokensOption } from './access-token-profiles.js';

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
