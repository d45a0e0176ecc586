import type { ClientMetadata } from '../metadata/client-metadata.js';
import type { OidcModuleOptions } from '../module/oidc.options.js';
import type { ResourceServerOptions } from '../resource-server/resource-server.options.js';
import type { JsonObject } from '../values/json.js';
import { randomValue } from './provider/issued.js';
import type { TestCertificate } from './test-certificate.js';
import type { TestClock } from './test-clock.js';
import type { TestDpopKey } from './test-dpop-key.js';

/** What the provider knows of the application. It hears it from {@link TestProvider.options} as well. */
export interface TestProviderOptions {
  /** The time at the provider. Default: a clock of its own. */
  readonly clock?: TestClock;
  /** The client, as the application has it registered. Default: `test-client` with a secret. */
  readonly client?: Partial<ClientMetadata>;
  /** The API, as the application protects it. Default: introspected tokens for `https://api.example.com`. */
  readonly resourceServer?: Partial<ResourceServerOptions>;
}

/** A user at the provider. */
export interface TestUser {
  /** Default `alice`. */
  readonly sub?: string;
  /** Stand where the profile of `resourceServer.accessTokens` has them. */
  readonly roles?: readonly string[];
  /** More claims of the ID token and of userinfo, such as `email`; of an access token where one is asked for. */
  readonly claims?: JsonObject;
}

/** What an access token is asked to say. */
export interface TestAccessToken extends Omit<TestUser, 'sub'> {
  /** Default `alice`; `null`: the client's own token. */
  readonly sub?: string | null;
  /** Space-separated. Default: none. */
  readonly scope?: string;
  /** Who it was issued to. Default: the client of the options. */
  readonly client_id?: string;
  /** Default: the API of the options. */
  readonly audience?: string | readonly string[];
  /** Seconds. Default 3600; less than 0: it is over already. */
  readonly expiresIn?: number;
  /** Binds it to a key (RFC 9449). */
  readonly dpop?: TestDpopKey;
  /** Binds it to a client certificate (RFC 8705). */
  readonly certificate?: TestCertificate;
  /** Default: `jwt` where the API verifies signatures, so with `validation` `jwt` or `auto`; else `opaque`. */
  readonly format?: 'opaque' | 'jwt';
}

/** Endpoints of the provider, by the beginning of their names in its metadata; `discovery` is that metadata. */
export const ENDPOINT_PATHS = {
  discovery: 'discovery',
  jwks: 'jwks',
  authorization: 'authorize',
  pushed_authorization_request: 'par',
  token: 'token',
  userinfo: 'userinfo',
  introspection: 'introspect',
  revocation: 'revoke',
  end_session: 'end-session',
  device_authorization: 'device-authorization',
  backchannel_authentication: 'backchannel-authentication',
  registration: 'register',
} as const;

/** An endpoint of {@link TestProvider}. */
export type TestEndpoint = keyof typeof ENDPOINT_PATHS;

/** How an endpoint fails: with an HTTP status, with no answer (`hang`), or with a connection that breaks (`reset`). */
export type TestFault = number | 'hang' | 'reset';

/** The API where nobody says which. */
export const DEFAULT_API: ResourceServerOptions = { audience: 'https://api.example.com' };

/** Members of the options that say where another provider is. */
const OF_ANOTHER_PROVIDER: readonly string[] = ['issuer', 'backchannelUrl', 'server', 'tenants', 'development'];

/** Options without those that say where another provider is. */
export function withoutProvider({ discovery, ...own }: Partial<OidcModuleOptions>): Partial<OidcModuleOptions> {
  const { url: _, ...kept } = discovery ?? {};
  return {
    ...Object.fromEntries(Object.entries(own).filter(([name]) => !OF_ANOTHER_PROVIDER.includes(name))),
    ...(discovery !== undefined && { discovery: kept }),
  };
}

/** The client, with what is left out. A secret is made up for who authenticates with one, also in place of a function that fetches the real one. */
export function completeClient(own: Partial<ClientMetadata> = {}): ClientMetadata {
  const { client_secret, token_endpoint_auth_method: method, jwks } = own;
  const isSecretUsed = method === undefined ? jwks === undefined : method.startsWith('client_secret');
  const secret = typeof client_secret === 'string' ? client_secret : randomValue();
  return {
    client_id: 'test-client',
    redirect_uris: ['http://127.0.0.1:3000/auth/callback'],
    post_logout_redirect_uris: ['http://127.0.0.1:3000/auth/logged-out'],
    ...own,
    ...(isSecretUsed && { client_secret: secret }),
  };
}
