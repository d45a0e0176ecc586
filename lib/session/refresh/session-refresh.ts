import type { OidcClient } from '../../client/oidc-client.js';
import { SessionError, VerificationError } from '../../errors/errors.js';
import { OidcError } from '../../errors/oidc.error.js';
import { audit, auditFailure } from '../../events/audit.js';
import type { OperatorPort } from '../../events/operator-events.js';
import type { RefreshOptions } from '../../grants/refresh-token.js';
import { requireAccessToken, type LoginTokens } from '../../tokens/login-tokens.js';
import { secondsAhead } from '../../tokens/renewal.js';
import type { TokenResponse } from '../../tokens/token-response.js';
import type { RefreshFlight } from './refresh-flight.js';
import type { KeptSession, SessionKeeper, ValidSession } from '../session.port.js';
import { isSpent } from './shared-refreshes.js';

/** Seconds that an access token must still be good for to be handed to the application. */
const GOOD_FOR = 10;

/** Refreshes the tokens of sessions. */
export class SessionRefresh {
  #hasRotated = false;

  /**
   * @param sessions whether replicas share flights, and whether a login of today leaves an access token in its session
   * @param expected what a new ID token is held to: the same as that of the login
   */
  constructor(
    private readonly client: OidcClient,
    private readonly flight: RefreshFlight,
    private readonly operator: OperatorPort,
    private readonly sessions: { readonly areShared: boolean; readonly keepTokens: boolean },
    private readonly expected: Pick<RefreshOptions, 'trustedAudiences'>,
  ) {}

  /** Whether it is time to refresh the tokens of a session, ahead of their expiry. */
  isDue({ tokens }: KeptSession): boolean {
    return tokens.refresh_token !== undefined && !this.#isGoodFor(tokens, secondsAhead(tokens.expires_in));
  }

  /** Whether the access token of a session can be handed to the application. */
  isGood(tokens: LoginTokens): boolean {
    return tokens.access_token !== undefined && this.#isGoodFor(tokens, GOOD_FOR);
  }

  /**
   * Refreshes the tokens of a request's session and writes it, before anybody uses them.
   *
   * @returns the session with new tokens, and the `Set-Cookie` lines
   * @throws {SessionError} `ACCESS_TOKEN_EXPIRED`: it has no refresh token. `ACCESS_TOKEN_MISSING`: no session has. `SESSION_ENDED`:
   *   the server takes the refresh token no more, or speaks of another person; or the session ended meanwhile
   * @throws {OidcError} of another kind: it passes, and the session is as good as before
   */
  async renew(keeper: SessionKeeper, request: unknown, found: ValidSession): Promise<ValidSession> {
    return write(keeper, request, found, await this.#refreshed(found.session));
  }

  /** The new tokens of a session. */
  async #refreshed(session: KeptSession): Promise<TokenResponse> {
    const { tokens } = session;
    if (tokens.access_token === undefined && this.sessions.keepTokens) {
      throw new SessionError('ACCESS_TOKEN_EXPIRED', 'The session began before its tokens were kept.');
    }
    const whole = requireAccessToken(tokens);
    const { access_token, refresh_token } = whole;
    if (refresh_token === undefined) {
      const advice = 'Many providers give one only where login.scope has offline_access.';
      throw new SessionError('ACCESS_TOKEN_EXPIRED', `The session has no refresh token. ${advice}`);
    }
    try {
      const before = { access_token, refresh_token };
      const renewed = await this.flight.join(before, () => this.#send(session, whole));
      this.#lookAtRotation(whole, renewed);
      return renewed;
    } catch (error) {
      throw isSpent(error) || error instanceof VerificationError
        ? new SessionError('SESSION_ENDED', 'The tokens of the session can not be refreshed any more.', {
            cause: error,
          })
        : error;
    }
  }

  /** Reports a failure that passes. */
  report(error: unknown): void {
    if (!(error instanceof OidcError)) {
      throw error;
    }
    this.operator.report({ kind: 'refresh-failed', error });
  }

  async #send({ identity }: KeptSession, tokens: TokenResponse): Promise<TokenResponse> {
    try {
      const renewed = await this.client.refresh(tokens, this.expected);
      audit('refresh', this.client, identity);
      return renewed;
    } catch (error) {
      auditFailure('refresh', this.client, error, identity);
      throw error;
    }
  }

  #isGoodFor({ expires_at }: LoginTokens, seconds: number): boolean {
    return expires_at === undefined || this.client.clock.now() < (expires_at - seconds) * 1000;
  }

  #lookAtRotation(before: TokenResponse, after: TokenResponse): void {
    if (!this.sessions.areShared && !this.#hasRotated && after.refresh_token !== before.refresh_token) {
      this.#hasRotated = true;
      this.operator.report({ kind: 'rotation-without-store' });
    }
  }
}

/** Writes new tokens. Another request may have written them first, or that the session was used, or may have ended it. */
async function write(
  keeper: SessionKeeper,
  request: unknown,
  found: ValidSession,
  tokens: TokenResponse,
): Promise<ValidSession> {
  const setCookies = await keeper.renew(request, found, { tokens });
  if (setCookies !== undefined) {
    return { session: { ...found.session, tokens }, setCookies };
  }
  const { session, ...again } = await keeper.find(request);
  if (session === undefined) {
    throw new SessionError('SESSION_ENDED', 'The session ended while its tokens were refreshed.');
  }
  const hasOldTokens = session.tokens.access_token === found.session.tokens.access_token;
  return hasOldTokens ? write(keeper, request, { ...again, session }, tokens) : { ...again, session };
}
