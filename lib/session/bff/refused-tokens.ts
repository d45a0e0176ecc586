import { hash } from 'node:crypto';

import { LRUCache } from 'lru-cache';

import { isWithin, type Clock } from '../../clock/clock.js';
import { challengesIn } from '../../http/challenges.js';
import type { StreamedResponse } from '../../http/streamed-calls.js';
import { TokenResponse } from '../../tokens/token-response.js';
import type { ClientSessions } from '../client-sessions.js';
import type { OidcSession } from '../oidc-session.js';

/** Refreshes in a row that an API may cause by refusing what each of them brings, and the milliseconds until it may again. */
const MOST_IN_A_ROW = 2;
const PAUSE = 60_000;

/** Tokens that are remembered in this process. */
const MAX_TOKENS = 10_000;

/** A token that a refresh brought because an API refused the one before. */
interface Replacement {
  /** The refreshes in a row until this token. */
  readonly count: number;
  readonly at: number;
}

/**
 * Replaces access tokens that an API takes no more (RFC 6750, section 3.1: `invalid_token`), such as one that was revoked, by
 * a refresh of the session. An API that refuses every token must not make each request a refresh.
 */
export class RefusedTokens {
  /** By a hash of the access token. */
  readonly #replacements = new LRUCache<string, Replacement>({ max: MAX_TOKENS });

  constructor(
    private readonly session: OidcSession,
    private readonly sessions: ClientSessions,
    private readonly clock: Clock,
  ) {}

  /**
   * The tokens of a request's session in place of refused ones. Where another request has refreshed them meanwhile, they are
   * that request's.
   *
   * @returns undefined: there are no others
   * @throws {OidcException} as `OidcSession.refresh`
   */
  async replace(request: object, response: object, refused: TokenResponse): Promise<TokenResponse | undefined> {
    this.sessions.lookAgain(request);
    const now = (await this.sessions.kept(request))?.tokens;
    if (!(now instanceof TokenResponse)) {
      return undefined;
    }
    if (now.access_token !== refused.access_token) {
      return now;
    }
    const count = this.#countOf(now);
    if (now.refresh_token === undefined || count >= MOST_IN_A_ROW) {
      return undefined;
    }
    const { tokens } = await this.session.refresh(request, response);
    if (!(tokens instanceof TokenResponse)) {
      return undefined;
    }
    this.#replacements.set(keyOf(tokens), { count: count + 1, at: this.clock.now() });
    return tokens;
  }

  #countOf(tokens: TokenResponse): number {
    const { count = 0, at = 0 } = this.#replacements.get(keyOf(tokens)) ?? {};
    return isWithin(this.clock.now(), at, PAUSE) ? count : 0;
  }
}

function keyOf({ access_token }: TokenResponse): string {
  return hash('sha256', access_token, 'base64url');
}

/** Whether an API takes the access token no more. */
export function refusesToken({ status, headers }: StreamedResponse): boolean {
  const errors = challengesIn(headers['www-authenticate']).map(({ parameters }) => parameters.get('error'));
  return status === 401 && errors.includes('invalid_token');
}
