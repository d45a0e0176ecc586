import type { INestApplication } from '@nestjs/common';

import type { ClientMetadata } from '../metadata/client-metadata.js';
import type { OidcModuleOptions } from '../module/oidc.options.js';
import { givenOptionsToken } from '../nest/tokens.js';
import type { ResourceServerOptions } from '../resource-server/resource-server.options.js';
import type { AccessTokenProfile } from '../tokens/access-token-profile.js';
import { ACCESS_TOKEN_PROFILES } from '../tokens/access-token-profiles.js';
import { isJsonObject, type JsonObject } from '../values/json.js';
import { rolesClaims, SIGNED_WITH, writeAccessToken, type AccessTokenContent } from './access-token-writer.js';
import { FailingProvider } from './failing-provider.js';
import { randomValue, type IssuedAccessToken, type IssuedToken } from './provider/issued.js';
import { signIn, type SignInOptions } from './sign-in.js';
import { certificateOf, type TestCertificate } from './test-certificate.js';
import { TestClock } from './test-clock.js';
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

/** A user at the provider. */
export interface TestUser {
  /** Default `alice`. */
  readonly sub?: string;
  /** Stand where the profile of `resourceServer.accessTokens` has them. */
  readonly roles?: readonly string[];
  /** More claims of the ID token and of userinfo, such as `email`. */
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
const ENDPOINTS = {
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
export type TestEndpoint = keyof typeof ENDPOINTS;

/** How an endpoint fails: with an HTTP status, with no answer (`hang`), or with a connection that breaks (`reset`). */
export type TestFault = number | 'hang' | 'reset';

/**
 * OpenID Provider for tests: in this process, on a free port of loopback. It is correct and strict, issues what it is asked for
 * and signs everybody in at once. No guard is replaced: what the application checks in production it checks in the test.
 *
 * ```ts
 * import { Test } from '@nestjs/testing';
 * import { OIDC_OPTIONS } from 'nestjs-oidc';
 * import { TestProvider } from 'nestjs-oidc/testing';
 * import { AppModule } from './app.module.js';
 *
 * const provider = await TestProvider.start();
 * const module = await Test.createTestingModule({ imports: [AppModule] })
 *   .overrideProvider(OIDC_OPTIONS)
 *   .useFactory(provider.optionsFactory())
 *   .compile();
 * const app = await module.createNestApplication().init();
 *
 * const token = await provider.accessToken({ sub: 'alice', scope: 'orders:read', roles: ['admin'] });
 * const cookie = await provider.signIn(app, { sub: 'alice', claims: { email: 'alice@example.com' } });
 *
 * provider.fails('introspection', 503);
 * provider.recovers();
 * provider.revoke(token);
 * provider.rotateKeys();
 * provider.clock.advance({ minutes: 5 });
 * provider.calls('introspection');
 * await provider.close();
 * ```
 */
export class TestProvider {
  readonly clock: TestClock;
  readonly #op: FailingProvider<TestClock>;
  readonly #users = new Map<string, TestUser>();
  #client: ClientMetadata;
  #api: ResourceServerOptions;

  private constructor({ clock = new TestClock(), client, resourceServer }: TestProviderOptions) {
    this.clock = clock;
    this.#client = completeClient(client);
    this.#api = { audience: 'https://api.example.com', ...resourceServer };
    this.#op = new FailingProvider({ clock, makeAccessToken: (asked) => this.#ofGrant(asked) });
    this.#op.register({ ...this.#client });
  }

  /** Resolves once it listens. */
  static async start(options: TestProviderOptions = {}): Promise<TestProvider> {
    const provider = new TestProvider(options);
    await provider.#op.start();
    return provider;
  }

  /** Its issuer identifier: `http://127.0.0.1:<port>`. */
  get issuer(): string {
    return this.#op.issuer;
  }

  /** The client that is registered: the one of the last call of {@link options}. */
  get client(): ClientMetadata {
    return this.#client;
  }

  /**
   * The module's options for this provider: the application's own, with this issuer and a client that is registered here. What
   * is left out is made up: the client, the audience, the session's secret.
   */
  options(own: Partial<OidcModuleOptions> = {}): OidcModuleOptions {
    this.#client = completeClient({ ...this.#client, ...own.client });
    this.#api = { ...this.#api, ...own.resourceServer };
    this.#op.register({ ...this.#client });
    return {
      ...withoutProvider(own),
      issuer: this.issuer,
      client: this.#client,
      session: { secret: randomValue(), ...own.session },
      resourceServer: this.#api,
    };
  }

  /**
   * For `overrideProvider(OIDC_OPTIONS).useFactory()`: {@link options} of the application's own options, so that all the rest
   * of them stays.
   *
   * @param name of the client, where it has one; then the token is `getOidcOptionsToken(name)`
   */
  optionsFactory(name?: string): {
    readonly factory: (own: OidcModuleOptions) => OidcModuleOptions;
    readonly inject: string[];
  } {
    return { factory: (own) => this.options(own), inject: [givenOptionsToken(name)] };
  }

  /**
   * The same as environment variables, for an application that reads them:
   * `Object.assign(process.env, provider.env())`. {@link start} is told what the application has registered.
   */
  env(): Readonly<Record<'OIDC_ISSUER' | 'OIDC_CLIENT_ID' | 'OIDC_CLIENT_SECRET' | 'SESSION_SECRET', string>> {
    const { client_id, client_secret } = this.#client;
    return {
      OIDC_ISSUER: this.issuer,
      OIDC_CLIENT_ID: client_id,
      OIDC_CLIENT_SECRET: typeof client_secret === 'string' ? client_secret : '',
      SESSION_SECRET: randomValue(),
    };
  }

  /** An access token, in the shape that the API asks for. */
  async accessToken(asked: TestAccessToken = {}): Promise<string> {
    const token = this.#write({
      sub: asked.sub === null ? undefined : (asked.sub ?? 'alice'),
      client_id: asked.client_id ?? this.#client.client_id,
      scope: asked.scope,
      roles: asked.roles,
      audience: asked.audience ?? this.#audience,
      expiresIn: asked.expiresIn ?? 3600,
      cnf: confirmationOf(asked),
      claims: asked.claims ?? {},
      isJwt: asked.format === undefined ? this.#hasJwts : asked.format === 'jwt',
    });
    return this.#op.remember(token);
  }

  /**
   * Signs a user in at the application, by a real login.
   *
   * @returns the browser's `Cookie` header
   */
  signIn(app: INestApplication, user: TestUser = {}, options: SignInOptions = {}): Promise<string> {
    const { sub = 'alice', roles, claims } = user;
    this.#users.set(sub, user);
    const cookie = this.#op.signIn({
      sub,
      claims: { ...rolesClaims(this.#profile, this.#audience, roles), ...claims },
    });
    return signIn(app, { issuer: this.issuer, cookie }, options);
  }

  /**
   * A caller's key for DPoP.
   *
   * @param alg default `ES256`
   */
  dpopKey(alg = 'ES256'): Promise<TestDpopKey> {
    return TestDpopKey.generate(alg, this.clock.now);
  }

  /**
   * A caller's client certificate. It needs the package `@peculiar/x509`.
   *
   * @param name its common name
   */
  certificate(name = 'test-client'): Promise<TestCertificate> {
    return certificateOf(name, this.clock.now());
  }

  /** Ends an access token or a refresh token. A JWT that nobody introspects is good until its `exp` all the same. */
  revoke(token: string): void {
    this.#op.expire(token);
  }

  /** New signing keys. The old ones are no longer published. */
  rotateKeys(): void {
    this.#op.rotate();
  }

  /**
   * Lets an endpoint fail.
   *
   * @param options `times`: how many calls; default: all, until {@link recovers}
   */
  fails(endpoint: TestEndpoint, fault: TestFault, options: { readonly times?: number } = {}): void {
    this.#op.answer(ENDPOINTS[endpoint], typeof fault === 'number' ? { status: fault, body: {} } : fault, options);
  }

  /** Ends the faults of an endpoint; of all where none is named. */
  recovers(endpoint?: TestEndpoint): void {
    this.#op.heal(endpoint && ENDPOINTS[endpoint]);
  }

  /** How often an endpoint was called. */
  calls(endpoint: TestEndpoint): number {
    return this.#op.count(ENDPOINTS[endpoint]);
  }

  /** Stops it at once. */
  close(): Promise<void> {
    return this.#op.close();
  }

  get #audience(): string | readonly string[] {
    const { audience } = this.#api;
    return audience === false ? [] : audience;
  }

  get #hasJwts(): boolean {
    const { validation = 'introspection' } = this.#api;
    return validation !== 'introspection';
  }

  get #profile(): AccessTokenProfile {
    const { accessTokens = 'rfc9068' } = this.#api;
    return typeof accessTokens === 'string' ? ACCESS_TOKEN_PROFILES[accessTokens] : accessTokens;
  }

  /** A token that the application got at the token endpoint. */
  #ofGrant({ sub, client_id = '', scope, aud, cnf }: IssuedToken): IssuedAccessToken {
    const { roles, claims } = this.#users.get(sub ?? '') ?? {};
    return this.#write({
      sub,
      client_id,
      scope,
      roles,
      audience: Array.isArray(aud) ? aud : this.#audience,
      expiresIn: 3600,
      cnf: isJsonObject(cnf) ? cnf : undefined,
      claims: claims ?? {},
      isJwt: this.#hasJwts,
    });
  }

  #write(content: AccessTokenContent): IssuedAccessToken {
    const key = this.#op.key(SIGNED_WITH);
    return writeAccessToken(content, { issuer: this.issuer, now: this.clock.seconds, profile: this.#profile, key });
  }
}

/** Members of the options that say where another provider is. */
const OF_ANOTHER_PROVIDER: readonly string[] = ['issuer', 'backchannelUrl', 'server', 'tenants', 'development'];

function withoutProvider({ discovery, ...own }: Partial<OidcModuleOptions>): Partial<OidcModuleOptions> {
  const { url: _, ...kept } = discovery ?? {};
  return {
    ...Object.fromEntries(Object.entries(own).filter(([name]) => !OF_ANOTHER_PROVIDER.includes(name))),
    ...(discovery !== undefined && { discovery: kept }),
  };
}

/** A secret is made up for who authenticates with one, also in place of a function that fetches the real one. */
function completeClient(own: Partial<ClientMetadata> = {}): ClientMetadata {
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

/** RFC 8705, section 3.1; RFC 9449, section 6.1. */
function confirmationOf({ dpop, certificate }: TestAccessToken): JsonObject | undefined {
  if (dpop === undefined && certificate === undefined) {
    return undefined;
  }
  return {
    ...(dpop !== undefined && { jkt: dpop.jkt }),
    ...(certificate !== undefined && { 'x5t#S256': certificate.thumbprint }),
  };
}
