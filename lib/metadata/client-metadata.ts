import type { CustomFetch } from '../http/exchange.js';
import type { JsonObject, JsonValue } from '../values/json.js';
import type { ClientAuthenticationMethod, RegisteredMethods } from './authentication-method.js';
import type { DeliveryMode } from './backchannel-delivery.js';
import type { RegisteredProtection } from './protected-answer.js';
import type { RegisteredRequests } from './protected-request.js';

/**
 * Clock skew: seconds added to now for every time check and every JWT that we sign. Any finite number.
 *
 * Default: the `OIDC_CLOCK_SKEW` provider, else 0.
 */
export const clockSkew: unique symbol = Symbol('clockSkew');

/**
 * Clock tolerance: seconds allowed on `exp`, `nbf`, `iat` and `auth_time`. 0 to 300.
 *
 * Default: the `OIDC_CLOCK_TOLERANCE` provider, else 30.
 */
export const clockTolerance: unique symbol = Symbol('clockTolerance');

/** A Fetch API that replaces the transport for this client. */
export const customFetch: unique symbol = Symbol('customFetch');

/**
 * The client as it is registered at the authorization server: the members of IANA's registry "OAuth Dynamic Client
 * Registration Metadata" that affect how a client works. Other members are kept and readable.
 *
 * ```ts
 * const client: ClientMetadata = {
 *   client_id: 'orders-api',
 *   client_secret: process.env['OIDC_CLIENT_SECRET'],
 *   redirect_uris: ['https://app.example.com/auth/callback'],
 *   introspection_signed_response_alg: 'ES256',
 *   [clockTolerance]: 10,
 * };
 * ```
 */
export interface ClientMetadata extends RegisteredMethods, RegisteredProtection, RegisteredRequests {
  /** JSON, but for a `client_secret` that is a function: any other function is refused. */
  readonly [metadata: string]: JsonValue | (() => string | Promise<string>) | undefined;

  /** Expected `aud` of ID tokens, signed introspection and signed userinfo. */
  readonly client_id: string;
  /**
   * Client authentication, the key of HS256, HS384 and HS512, and that of encryption by `dir`, `A128KW` and the like.
   *
   * Or a function that makes it, for `client_secret_basic` and `client_secret_post`: Apple's secret is a JWT that ends. It is
   * called at the first request, and again when the secret is a JWT near its end or the server refused it.
   */
  readonly client_secret?: string | (() => string | Promise<string>) | undefined;
  /**
   * Private keys that sign and decrypt, chosen by `use`, `key_ops`, `alg` and `kid`. Old ones decrypt as long as they are here.
   * Only their public members are ever shown.
   */
  readonly jwks?: { readonly keys: readonly JsonObject[] } | undefined;
  /** Where the server reads the public members of `jwks`: the mounted route `jwks`, or a place of your own. */
  readonly jwks_uri?: string | undefined;

  /** Default: `client_secret_basic` with a secret, `private_key_jwt` with a private signing key and no secret, else `none`. */
  readonly token_endpoint_auth_method?: ClientAuthenticationMethod | undefined;
  /**
   * The algorithm of `client_secret_jwt` (default HS256) or `private_key_jwt` (default: what the key is made for). Among the
   * latter are `ML-DSA-44`, `ML-DSA-65` and `ML-DSA-87` (RFC 9964), with a Node that has them: from 24.7 on.
   */
  readonly token_endpoint_auth_signing_alg?: string | undefined;
  /** Default: `token_endpoint_auth_method`. `none` needs `server.introspection_endpoint`, written out too. */
  readonly introspection_endpoint_auth_method?: ClientAuthenticationMethod | undefined;
  /** Default: `token_endpoint_auth_method`. */
  readonly revocation_endpoint_auth_method?: ClientAuthenticationMethod | undefined;

  /** Calls `mtls_endpoint_aliases` where there are any (RFC 8705, section 5). Default: where a certificate is registered. */
  readonly use_mtls_endpoint_aliases?: boolean | undefined;
  /** Tokens are bound to the certificate that the dispatcher shows (RFC 8705, section 3). */
  readonly tls_client_certificate_bound_access_tokens?: boolean | undefined;

  /** Tokens are asked for with a DPoP proof, and one that is not bound to its key is refused (RFC 9449, section 5.2). */
  readonly dpop_bound_access_tokens?: boolean | undefined;

  /**
   * A login uses the first that has the request's host, or the first of all where none has it. A request to the path of any of
   * them is a callback.
   */
  readonly redirect_uris?: readonly string[] | undefined;
  /** Where the provider may send the browser after a logout. Default: the first of the request's domain, or of all. */
  readonly post_logout_redirect_uris?: readonly string[] | undefined;
  /** Where the provider posts logout tokens (OpenID Connect Back-Channel Logout 1.0). Needs a `store`. */
  readonly backchannel_logout_uri?: string | undefined;
  /** A logout token must have a `sid`. Default false. */
  readonly backchannel_logout_session_required?: boolean | undefined;
  /** What the provider loads in a frame (OpenID Connect Front-Channel Logout 1.0). */
  readonly frontchannel_logout_uri?: string | undefined;
  /** A front-channel logout must name `iss` and `sid`. Default false. */
  readonly frontchannel_logout_session_required?: boolean | undefined;
  /** Where other sites send a browser to begin a login (OpenID Connect Core 1.0, section 4). */
  readonly initiate_login_uri?: string | undefined;
  /** How the end of a `backchannelAuthentication()` is learned (CIBA Core 1.0, section 5). Default `poll`. */
  readonly backchannel_token_delivery_mode?: DeliveryMode | undefined;
  /** Where the provider posts pings and pushes. Required by both. */
  readonly backchannel_client_notification_endpoint?: string | undefined;
  /** Set: backchannel authentication requests are signed with a private key of `jwks`. */
  readonly backchannel_authentication_request_signing_alg?: string | undefined;
  /** Backchannel authentication requests may carry a `user_code`. Default false. */
  readonly backchannel_user_code_parameter?: boolean | undefined;
  /** A login asks for the first: `code`, or one that brings tokens by the browser. When registered, no other is used. */
  readonly response_types?: readonly string[] | undefined;
  /** When registered, what is not in it is not used. */
  readonly grant_types?: readonly string[] | undefined;
  /** Space-separated; the default scope of a login, which asks for `openid` too, and of `clientCredentials()`. */
  readonly scope?: string | undefined;

  /** Default: the server's `id_token_signing_alg_values_supported` without `none` and HS*, else RS256. */
  readonly id_token_signed_response_alg?: string | undefined;
  /** Set: a userinfo answer in JSON is refused. Unset: a JWT is taken with an algorithm of the server's list only. */
  readonly userinfo_signed_response_alg?: string | undefined;
  /** Set: the signed response of RFC 9701 is asked for and JSON is refused. */
  readonly introspection_signed_response_alg?: string | undefined;
  /** Set: the authorization response has to come as a JWT (JARM); a plain one is refused. */
  readonly authorization_signed_response_alg?: string | undefined;

  /**
   * Set: the ID token must be encrypted by this algorithm, to a key of `jwks` or by the secret. Logout tokens are encrypted as
   * ID tokens are.
   */
  readonly id_token_encrypted_response_alg?: string | undefined;
  /** Default: A128CBC-HS256 where the `alg` is registered. */
  readonly id_token_encrypted_response_enc?: string | undefined;
  /** Set: the userinfo answer must be encrypted. Needs `userinfo_signed_response_alg`. */
  readonly userinfo_encrypted_response_alg?: string | undefined;
  /** Default: A128CBC-HS256 where the `alg` is registered. */
  readonly userinfo_encrypted_response_enc?: string | undefined;
  /** Set: the introspection answer must be encrypted, and signed inside (RFC 9701). */
  readonly introspection_encrypted_response_alg?: string | undefined;
  /** Default: A128CBC-HS256 where the `alg` is registered. */
  readonly introspection_encrypted_response_enc?: string | undefined;

  /** Seconds; sent as `max_age`, and `auth_time` is checked against it. */
  readonly default_max_age?: number | undefined;
  /** `auth_time` must be in the ID token. Default false. */
  readonly require_auth_time?: boolean | undefined;
  /** Sent as `acr_values`. */
  readonly default_acr_values?: readonly string[] | undefined;
  /**
   * Set: authorization requests go as request objects, signed with this algorithm (RFC 9101), or as `none` says not signed
   * at all. Default, where they have to be signed: what the key in `jwks` is made for.
   */
  readonly request_object_signing_alg?: string | undefined;
  /**
   * Set: request objects are signed, and encrypted to the server's key or with the secret. `request_object_encryption_enc`
   * encrypts their content; default `A128CBC-HS256`.
   */
  readonly request_object_encryption_alg?: string | undefined;
  /** Authorization requests go as signed request objects. Default: where the server demands it. */
  readonly require_signed_request_object?: boolean | undefined;
  /** Logins begin with a pushed authorization request (RFC 9126). Default: where the server demands it. */
  readonly require_pushed_authorization_requests?: boolean | undefined;
  /** The types of `authorization_details` that logins use. When registered, no other is sent (RFC 9396, section 10). */
  readonly authorization_details_types?: readonly string[] | undefined;

  readonly [clockSkew]?: number | undefined;
  readonly [clockTolerance]?: number | undefined;
  readonly [customFetch]?: CustomFetch | undefined;
}
