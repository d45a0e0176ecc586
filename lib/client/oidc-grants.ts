import type { FormParameters } from '../authorization-server/form-encoding.js';
import type { Server } from '../authorization-server/server.js';
import { realWait, type Wait } from '../clock/wait.js';
import type { OperatorPort } from '../events/operator-events.js';
import { backchannelAuthentication, type BackchannelAuthentication } from '../grants/backchannel-authentication.js';
import { BackchannelNotifications, type BackchannelNotification } from '../grants/backchannel-notifications.js';
import type { BackchannelAuthenticationOptions } from '../grants/backchannel-request.js';
import { clientCredentialsGrant, type ClientCredentialsOptions } from '../grants/client-credentials.js';
import { ClientTokenCache } from '../grants/client-token-cache.js';
import {
  deviceAuthorization,
  type DeviceAuthorization,
  type DeviceAuthorizationOptions,
} from '../grants/device-authorization.js';
import { extensionGrant, type GrantOptions } from '../grants/extension-grant.js';
import { jwtBearerGrant, type JwtBearerOptions } from '../grants/jwt-bearer.js';
import { refreshTokenGrant, type RefreshableTokens, type RefreshOptions } from '../grants/refresh-token.js';
import { tokenExchange, type TokenExchangeOptions } from '../grants/token-exchange.js';
import type { OidcStore } from '../storage/oidc-store.js';
import type { Evictions } from '../tokens/evictions.js';
import type { TokenResponse } from '../tokens/token-response.js';
import { trustedAudiencesSchema, type TrustedAudiences } from '../tokens/trusted-audiences.js';
import { validate } from '../values/validate.js';

/** What grants need beside the server. */
export interface GrantParts {
  /** Default: nobody sees what happens. */
  readonly operator?: OperatorPort | undefined;
  /** Undefined: each process keeps its own tokens. */
  readonly store?: OidcStore | undefined;
  /** Default: in real time. */
  readonly wait?: Wait;
}

/** The grants of a client beside the login: what the token endpoint gives for something else than a code. */
export class OidcGrants {
  readonly #server: Server;
  readonly #wait: Wait;
  readonly #ownTokens: ClientTokenCache;
  readonly #notifications: BackchannelNotifications;

  constructor(server: Server, evictions: Evictions, { operator = UNSEEN, store, wait = realWait }: GrantParts = {}) {
    this.#server = server;
    this.#wait = wait;
    this.#ownTokens = new ClientTokenCache(server, operator, store);
    evictions.join(this.#ownTokens);
    this.#notifications = new BackchannelNotifications(server, wait, store);
  }

  /** Client credentials grant (RFC 6749, section 4.4): asks for tokens each time. Default scope: the registered `scope`. */
  clientCredentials(options?: ClientCredentialsOptions): Promise<TokenResponse> {
    return clientCredentialsGrant(this.#server, options);
  }

  /**
   * A token of the client itself, by the client credentials grant, and kept: the same options give the same token until it is
   * near its end. Replicas with a `store` share it. While the server fails, a token that is still good is used.
   *
   * ```ts
   * const { access_token } = await oidc.clientToken({ scope: 'reports:read', resource: 'https://api.example.com' });
   * await oidc.forget(access_token); // the API refused it: the next call asks for another one
   * ```
   */
  clientToken(options?: ClientCredentialsOptions): Promise<TokenResponse> {
    return this.#ownTokens.get(options);
  }

  /**
   * Refresh token grant (RFC 6749, section 6).
   *
   * @param tokens of a login or an earlier refresh: a new ID token must continue theirs (OpenID Connect Core 1.0, section
   *   12.2), and the key that they are bound to is used. Or the refresh token alone: nothing is known to compare with, unless
   *   `options.claims` says it
   */
  async refresh(tokens: RefreshableTokens | string, options?: RefreshOptions): Promise<TokenResponse> {
    requireAudiences(options);
    return refreshTokenGrant(this.#server, tokens, options);
  }

  /**
   * Device authorization grant (RFC 8628): somebody consents on another device, at a web page that the answer names.
   *
   * ```ts
   * const device = await oidc.deviceAuthorization({ scope: 'openid' });
   * console.log(`Open ${device.verification_uri} and enter ${device.user_code}`);
   * const { tokens, idToken } = await device.tokens();
   * ```
   */
  async deviceAuthorization(options?: DeviceAuthorizationOptions): Promise<DeviceAuthorization> {
    requireAudiences(options);
    return deviceAuthorization(this.#server, this.#wait, options);
  }

  /**
   * Backchannel authentication (OpenID Connect CIBA Core 1.0): the end-user, whom exactly one hint names, is asked on a
   * device of their own.
   *
   * ```ts
   * const request = await oidc.backchannelAuthentication({ login_hint: 'alice@example.com', binding_message: 'W4SCT' });
   * const { tokens, idToken } = await request.tokens({ signal: AbortSignal.timeout(120_000) });
   * ```
   */
  async backchannelAuthentication(options: BackchannelAuthenticationOptions): Promise<BackchannelAuthentication> {
    requireAudiences(options);
    const means = { wait: this.#wait, notifications: this.#notifications };
    return backchannelAuthentication(this.#server, means, options);
  }

  /**
   * Takes a ping or a push of the server (CIBA Core 1.0, section 10) for a controller of one's own. The mounted route does it
   * too (`routes.backchannelNotification`). Answer 204, and 401 where it throws a `VerificationError`.
   *
   * ```ts
   * await oidc.backchannelNotification({ authorization: 'Bearer 8d67dc78', body: { auth_req_id: '1c266114' } });
   * ```
   *
   * @throws {VerificationError} `NOTIFICATION_REFUSED`: it carries no token of a request that is waited for
   */
  async backchannelNotification(notification: BackchannelNotification): Promise<void> {
    await this.#notifications.receive(notification);
  }

  /**
   * Token exchange (RFC 8693): a token for another one, such as a caller's for one that the next API takes.
   *
   * ```ts
   * const { access_token } = await oidc.exchangeToken({ subject_token: tokens.access_token, audience: 'billing' });
   * ```
   */
  async exchangeToken(options: TokenExchangeOptions): Promise<TokenResponse> {
    requireAudiences(options);
    return tokenExchange(this.#server, options);
  }

  /**
   * JWT bearer grant (RFC 7523, section 2.1): tokens for an assertion of somebody else, or for one that is signed here with a
   * private key of `client.jwks`.
   *
   * ```ts
   * const { access_token } = await oidc.jwtBearer({ sub: 'alice', scope: 'orders:read' });
   * ```
   */
  async jwtBearer(options: JwtBearerOptions): Promise<TokenResponse> {
    requireAudiences(options);
    return jwtBearerGrant(this.#server, options);
  }

  /**
   * Any grant by its type (RFC 6749, section 4.5).
   *
   * ```ts
   * const assertion = Buffer.from('<Assertion/>').toString('base64url');
   * await oidc.grant('urn:ietf:params:oauth:grant-type:saml2-bearer', { assertion, scope: 'orders:read' });
   * ```
   */
  async grant(grant_type: string, parameters: FormParameters, options?: GrantOptions): Promise<TokenResponse> {
    requireAudiences(options);
    return extensionGrant(this.#server, grant_type, parameters, options);
  }
}

const UNSEEN: OperatorPort = { report: () => undefined };

/** @throws {ConfigError} the audiences are none */
function requireAudiences(options: { readonly trustedAudiences?: TrustedAudiences | undefined } | undefined): void {
  validate(trustedAudiencesSchema, options?.trustedAudiences, 'trustedAudiences');
}
