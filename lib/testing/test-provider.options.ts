import * as v from 'valibot';

import type { ClientMetadata } from '../metadata/client-metadata.js';
import type { OidcModuleOptions } from '../module/oidc.options.js';
import type { ResourceServerOptions } from '../resource-server/resource-server.options.js';
import type { JsonObject, JsonValue } from '../values/json.js';
import { member } from '../values/member.js';
import { validate } from '../values/validate.js';
import { randomValue } from './provider/issued.js';
import type { TestCertificate } from './test-certificate.js';
import type { TestClock } from './test-clock.js';
import { TestDpopKey } from './test-dpop-key.js';

/** What the provider knows of the application. It hears it from {@link TestProvider.options} as well. */
export interface TestProviderOptions {
  /** The time at the provider. Default: a clock of its own. */
  readonly clock?: TestClock;
  /** The client, as the application has it registered. Default: `test-client` with a secret. */
  readonly client?: Partial<ClientMetadata>;
  /** The API, as the application protects it. Default: introspected tokens for `https://api.example.com`. */
  readonly resourceServer?: Partial<ResourceServerOptions>;
}

/** The module's options as a test writes them: what is left out is made up. */
export interface TestModuleOptions extends Partial<Omit<OidcModuleOptions, 'client'>> {
  /** As registered; `client_id` may be left out too. */
  readonly client?: Partial<ClientMetadata>;
}

/** A user at the provider. */
export interface TestUser {
  /** Default `alice`. */
  readonly sub?: string | undefined;
  /** Stand where the profile of `resourceServer.accessTokens` has them. */
  readonly roles?: readonly string[] | undefined;
  /** More claims of the ID token and of userinfo, such as `email`; of an access token where one is asked for. */
  readonly claims?: JsonObject | undefined;
}

/** What an access token is asked to say. */
export interface TestAccessToken extends Omit<TestUser, 'sub'> {
  /** Default `alice`; `null`: the client's own token. */
  readonly sub?: string | null | undefined;
  /** Space-separated. Default: none. */
  readonly scope?: string | undefined;
  /** Who it was issued to. Default: the client of the options. */
  readonly client_id?: string | undefined;
  /** Default: the API of the options. */
  readonly audience?: string | readonly string[] | undefined;
  /** Seconds. Default 3600; less than 0: it is over already. */
  readonly expiresIn?: number | undefined;
  /** Binds it to a key (RFC 9449). */
  readonly dpop?: TestDpopKey | undefined;
  /** Binds it to a client certificate (RFC 8705). */
  readonly certificate?: TestCertificate | undefined;
  /** Default: `jwt` where the API verifies signatures, so with `validation` `jwt` or `auto`; else `opaque`. */
  readonly format?: 'opaque' | 'jwt' | undefined;
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

const endpointSchema = v.picklist(Object.keys(ENDPOINT_PATHS).filter(isEndpoint), 'is no endpoint of the provider');

function isEndpoint(name: string): name is TestEndpoint {
  return name in ENDPOINT_PATHS;
}

/** The path of an endpoint. @throws {ConfigError} there is none of this name */
export function pathOf(endpoint: TestEndpoint): string {
  return ENDPOINT_PATHS[validate(endpointSchema, endpoint, String(endpoint))];
}

/** An endpoint of {@link TestProvider}. */
export type TestEndpoint = keyof typeof ENDPOINT_PATHS;

/** How an endpoint fails: with an HTTP status, with no answer (`hang`), or with a connection that breaks (`reset`). */
export type TestFault = number | 'hang' | 'reset';

/** A mistyped fault would be none. */
export const faultSchema: v.GenericSchema<TestFault> = v.union(
  [v.pipe(v.number(), v.integer(), v.minValue(200), v.maxValue(599)), v.picklist(['hang', 'reset'])],
  "must be an HTTP status, 'hang' or 'reset'",
);

const text = v.optional(v.string('must be a text'));

/** A mistyped member would make a token that proves nothing. */
export const accessTokenSchema: v.GenericSchema<TestAccessToken> = v.strictObject({
  sub: v.optional(v.nullable(v.string('must be a text'))),
  scope: text,
  roles: v.optional(v.array(v.string('must be a text'))),
  client_id: text,
  audience: v.optional(v.union([v.string(), v.array(v.string())], 'must be a text or a list of texts')),
  expiresIn: v.optional(v.number('must be a number of seconds')),
  claims: v.optional(
    v.record(
      v.string(),
      v.custom<JsonValue | undefined>(() => true),
    ),
  ),
  dpop: v.optional(
    v.custom<TestDpopKey>((value) => value instanceof TestDpopKey, 'must be a key of provider.dpopKey()'),
  ),
  certificate: v.optional(
    v.custom<TestCertificate>(
      (value) => typeof member(value, 'thumbprint') === 'string',
      'must be a certificate of provider.certificate()',
    ),
  ),
  format: v.optional(v.picklist(['opaque', 'jwt'], "must be 'opaque' or 'jwt'")),
});

/** The API where nobody says which. */
export const DEFAULT_API: ResourceServerOptions = { audience: 'https://api.example.com' };

/** Members of the options that say where another provider is. */
const OF_ANOTHER_PROVIDER: readonly string[] = ['issuer', 'backchannelUrl', 'server', 'tenants', 'development'];

/** Options without those that say where another provider is. */
export function withoutProvider<Own extends Partial<OidcModuleOptions>>({
  discovery,
  ...own
}: Own): Partial<OidcModuleOptions> {
  const { url: _, ...kept } = discovery ?? {};
  return {
    ...Object.fromEntries(Object.entries(own).filter(([name]) => !OF_ANOTHER_PROVIDER.includes(name))),
    ...(discovery !== undefined && { discovery: kept }),
  };
}

/** The client, with what is left out. */
export function completeClient(own: Partial<ClientMetadata> = {}): ClientMetadata {
  const client = {
    client_id: 'test-client',
    redirect_uris: ['http://127.0.0.1:3000/auth/callback'],
    post_logout_redirect_uris: ['http://127.0.0.1:3000/auth/logged-out'],
    ...own,
  };
  return withTestSecret(isSecretUsed(client) ? { client_secret: undefined, ...client } : client);
}

/**
 * The client with a secret of its own in place of a function, which would fetch the real one, and of one that the environment
 * of the test does not set.
 */
export function withTestSecret(own: ClientMetadata): ClientMetadata {
  const { client_secret: secret } = own;
  const isUnset = 'client_secret' in own && isEmpty(secret) && isSecretUsed(own);
  return isUnset || typeof secret === 'function' ? { ...own, client_secret: randomValue() } : own;
}

function isSecretUsed({ token_endpoint_auth_method: method, jwks }: ClientMetadata): boolean {
  return method === undefined ? jwks === undefined : method.startsWith('client_secret');
}

/** The options of sessions with a secret in place of one that the environment of the test does not set. */
export function withSessionSecret<Options extends Pick<OidcModuleOptions, 'session'>>(own: Options): Options {
  const { session } = own;
  return session !== undefined && isEmpty(session.secret)
    ? { ...own, session: { ...session, secret: randomValue() } }
    : own;
}

/** As `process.env['…']` and `process.env['…'] ?? ''` are where nobody sets them. */
function isEmpty(secret: unknown): boolean {
  return secret === undefined || secret === '';
}
