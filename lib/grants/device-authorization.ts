import { boundKey } from '../authorization-server/bound-key.js';
import type { FormParameters } from '../authorization-server/form-encoding.js';
import { accessParameters, type RequestedAccess } from '../authorization-server/requested-access.js';
import type { Server } from '../authorization-server/server.js';
import type { Wait } from '../clock/wait.js';
import type { TrustedAudiences } from '../tokens/trusted-audiences.js';
import { Consent, type ConsentOptions } from './consent.js';
import { consentedTokens } from './consented-tokens.js';
import { processDeviceResponse, type DeviceResponse } from './device-response.js';
import { poll } from './polling.js';
import { requestTokens, requireGrantType } from './token-request.js';
import type { VerifiedTokens } from './verified-tokens.js';

const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:device_code';

/** Parameters of a device authorization request (RFC 8628, section 3.1). */
export interface DeviceAuthorizationOptions extends RequestedAccess {
  /** Space-separated; with `openid` there is an ID token. Default: the registered `scope`. */
  readonly scope?: string;
  /** Audiences that may stand beside the client in the ID token: a list, or `azp` for any of a token issued to the client. */
  readonly trustedAudiences?: TrustedAudiences;
  /** More parameters. */
  readonly parameters?: FormParameters;
}

/**
 * A device authorization that waits for somebody's consent (RFC 8628).
 *
 * ```ts
 * const device = await oidc.deviceAuthorization({ scope: 'openid' });
 * console.log(`Open ${device.verification_uri} and enter ${device.user_code}`);
 * const { tokens, idToken } = await device.tokens({ signal: AbortSignal.timeout(300_000) });
 * ```
 */
export class DeviceAuthorization {
  /** For the end-user, who enters it at `verification_uri`. */
  readonly user_code: string;
  /** A web page. */
  readonly verification_uri: string;
  /** The same page with the code in it, for a QR code. Show the `user_code` too (RFC 8628, section 3.3.1). */
  readonly verification_uri_complete: string | undefined;
  /** Seconds since the epoch. */
  readonly expires_at: number;
  readonly #device_code: string;
  readonly #consent: Consent<VerifiedTokens>;

  /** @internal */
  constructor(response: DeviceResponse, expires_at: number, consent: Consent<VerifiedTokens>) {
    this.user_code = response.user_code;
    this.verification_uri = response.verification_uri;
    this.verification_uri_complete = response.verification_uri_complete;
    this.expires_at = expires_at;
    this.#device_code = response.device_code;
    this.#consent = consent;
    Object.freeze(this);
  }

  /** Asks for the tokens. Whoever has it can, so that it is printed nowhere. */
  get device_code(): string {
    return this.#device_code;
  }

  /**
   * Waits for the end-user's consent: asks the server again and again, no faster than it allows, until the code expires. A
   * second call joins the first.
   *
   * @throws {OAuthError} `access_denied`: the end-user refused; `expired_token`: nobody decided in time
   * @throws {VerificationError} the ID token is not good, or missing
   */
  tokens(options?: ConsentOptions): Promise<VerifiedTokens> {
    return this.#consent.granted(options);
  }
}

/** Device authorization request (RFC 8628, section 3.1), and the polling for its tokens (section 3.4). */
export async function deviceAuthorization(
  server: Server,
  wait: Wait,
  { scope: given, parameters = {}, trustedAudiences, ...access }: DeviceAuthorizationOptions = {},
): Promise<DeviceAuthorization> {
  requireGrantType(server, GRANT_TYPE);
  const { metadata } = server.client;
  const { now } = server.clock;
  const scope = given ?? metadata.scope ?? '';
  const form = { ...parameters, ...accessParameters(metadata, access), ...(scope !== '' && { scope }) };
  const askedAt = now();
  const answer = await server.post('device_authorization_endpoint', form, {
    accept: 'application/json',
    retry: 'unanswered',
  });
  const response = processDeviceResponse(answer);
  const { device_code, interval, expires_in } = response;
  const expiresAt = askedAt + expires_in * 1000;
  // One key for all polls: tokens are bound to that of the request that brings them.
  const dpop_key = await boundKey(server);
  const ask = async (): Promise<VerifiedTokens> => {
    const answer = await requestTokens(server, { grant_type: GRANT_TYPE, device_code }, { scope, dpop_key });
    return consentedTokens(server, answer, { scope, trustedAudiences });
  };
  const consent = new Consent((signal) => {
    const pause = (milliseconds: number): Promise<void> => wait(milliseconds, signal);
    return poll(ask, { expiresAt, interval, now, pause });
  });
  return new DeviceAuthorization(response, Math.floor(expiresAt / 1000), consent);
}
