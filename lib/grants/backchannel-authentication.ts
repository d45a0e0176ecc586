import { randomBytes } from 'node:crypto';

import { boundKey } from '../authorization-server/bound-key.js';
import type { FormParameters } from '../authorization-server/form-encoding.js';
import type { Server } from '../authorization-server/server.js';
import type { Wait } from '../clock/wait.js';
import { backchannelServerFindings, type DeliveryMode } from '../metadata/backchannel-delivery.js';
import { throwFirst } from '../metadata/finding.js';
import type { JsonObject } from '../values/json.js';
import type { AwaitedNotification } from './awaited-notification.js';
import type { BackchannelNotifications } from './backchannel-notifications.js';
import { processPush } from './backchannel-push.js';
import { backchannelRequest, type BackchannelAuthenticationOptions } from './backchannel-request.js';
import { processBackchannelResponse, type BackchannelResponse } from './backchannel-response.js';
import { Consent, type ConsentOptions } from './consent.js';
import { consentedTokens, type ConsentExpectations } from './consented-tokens.js';
import { arrival, poll } from './polling.js';
import { requestTokens, requireGrantType } from './token-request.js';
import type { VerifiedTokens } from './verified-tokens.js';

const GRANT_TYPE = 'urn:openid:params:grant-type:ciba';

/**
 * A backchannel authentication that waits for the end-user (OpenID Connect Client-Initiated Backchannel Authentication Core
 * 1.0).
 *
 * ```ts
 * const request = await oidc.backchannelAuthentication({ login_hint: 'alice@example.com', binding_message: 'W4SCT' });
 * const { tokens, idToken } = await request.tokens();
 * ```
 */
export class BackchannelAuthentication {
  /** Seconds since the epoch. */
  readonly expires_at: number;
  readonly #auth_req_id: string;
  readonly #consent: Consent<VerifiedTokens>;

  /** @internal */
  constructor(auth_req_id: string, expires_at: number, consent: Consent<VerifiedTokens>) {
    this.expires_at = expires_at;
    this.#auth_req_id = auth_req_id;
    this.#consent = consent;
    Object.freeze(this);
  }

  /** Asks for the tokens. Whoever is the client can, so that it is printed nowhere. */
  get auth_req_id(): string {
    return this.#auth_req_id;
  }

  /**
   * Waits for the end-user's decision: by polls, or until the server notifies us, as registered in
   * `backchannel_token_delivery_mode`. A second call joins the first.
   *
   * @throws {OAuthError} `access_denied`: the end-user refused; `expired_token`: nobody decided in time
   * @throws {VerificationError} the ID token is not good, or missing
   */
  tokens(options?: ConsentOptions): Promise<VerifiedTokens> {
    return this.#consent.granted(options);
  }
}

/** A request that waits for the end-user. */
interface Pending extends BackchannelResponse {
  readonly expected: ConsentExpectations;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  readonly wait: Wait;
  /** Undefined: the server will not notify us. */
  readonly notification: AwaitedNotification | undefined;
}

/** Backchannel authentication: the request (CIBA Core 1.0, section 7), and how its end is learned (sections 10 and 11). */
export async function backchannelAuthentication(
  server: Server,
  { wait, notifications }: { readonly wait: Wait; readonly notifications: BackchannelNotifications },
  options: BackchannelAuthenticationOptions,
): Promise<BackchannelAuthentication> {
  requireGrantType(server, GRANT_TYPE);
  const { metadata } = server.client;
  throwFirst(backchannelServerFindings(metadata, await server.metadata()));
  const { backchannel_token_delivery_mode: mode = 'poll' } = metadata;
  // 256 bits, where section 7.1 asks for 128.
  const token = mode === 'poll' ? undefined : randomBytes(32).toString('base64url');
  const { form, said, scope } = await backchannelRequest(server, options, token);
  const askedAt = server.clock.now();
  const answer = send(server, form, said);
  const notification =
    token === undefined
      ? undefined
      : notifications.expect(
          token,
          answer.then(({ auth_req_id }) => auth_req_id),
        );
  const response = await answer;
  const expiresAt = askedAt + response.expires_in * 1000;
  await notification?.share(response.auth_req_id, expiresAt);
  const expected = { scope, trustedAudiences: options.trustedAudiences };
  const consent = await CONSENTS[mode](server, { ...response, expected, expiresAt, wait, notification });
  return new BackchannelAuthentication(response.auth_req_id, Math.floor(expiresAt / 1000), consent);
}

async function send(server: Server, form: FormParameters, said: JsonObject): Promise<BackchannelResponse> {
  const options = { accept: 'application/json', retry: 'never', said } as const;
  return processBackchannelResponse(await server.post('backchannel_authentication_endpoint', form, options));
}

/** How the end is learned, by `backchannel_token_delivery_mode`. */
const CONSENTS: Readonly<
  Record<DeliveryMode, (server: Server, pending: Pending) => Consent<VerifiedTokens> | Promise<Consent<VerifiedTokens>>>
> = { poll: polled, ping: polled, push: pushed };

/** Asks at the server's pace, and at once after a ping. A ping that went lost, or to another replica, is so made good. */
async function polled(server: Server, pending: Pending): Promise<Consent<VerifiedTokens>> {
  const { auth_req_id, expected, expiresAt, interval, wait, notification } = pending;
  const dpop_key = await boundKey(server);
  const ask = async (): Promise<VerifiedTokens> => {
    const form = { grant_type: GRANT_TYPE, auth_req_id };
    return consentedTokens(server, await requestTokens(server, form, { scope: expected.scope, dpop_key }), expected);
  };
  return new Consent((signal) => {
    const pause = async (milliseconds: number): Promise<void> => {
      await (notification?.pause(milliseconds, signal) ?? wait(milliseconds, signal));
      notification?.take();
    };
    return poll(ask, { expiresAt, interval, now: server.clock.now, pause });
  });
}

/** Waits for the tokens that the server posts to us. */
function pushed(server: Server, pending: Pending): Consent<VerifiedTokens> {
  const { auth_req_id, expected, expiresAt, wait, notification } = pending;
  return new Consent(async (signal) => {
    const pause = (milliseconds: number): Promise<void> =>
      notification?.pause(milliseconds, signal) ?? wait(milliseconds, signal);
    const look = async (): Promise<JsonObject | undefined> => notification?.takeAnywhere();
    const body = await arrival(look, { expiresAt, now: server.clock.now, pause });
    return processPush(server, body, { ...expected, auth_req_id });
  });
}
