import type { INestApplication } from '@nestjs/common';

import type { ClientMetadata } from '../metadata/client-metadata.js';
import { parseClientMetadata } from '../metadata/registered-client.js';
import { securityProfile } from '../metadata/security-profiles.js';
import type { OidcModuleOptions } from '../module/oidc.options.js';
import { givenOptionsToken } from '../nest/tokens.js';
import { validate } from '../values/validate.js';
import { isJsonObject, type JsonObject } from '../values/json.js';
import { AccessTokenWriter, type AccessTokenContent } from './access-token-writer.js';
import { backchannelLogout } from './backchannel-logout.js';
import { FailingProvider } from './failing-provider.js';
import { randomValue, type IssuedAccessToken, type IssuedToken } from './provider/issued.js';
import type { SigningKey } from './provider/keys.js';
import { signIn, type SignInOptions } from './sign-in.js';
import { certificateOf, type TestCertificate } from './test-certificate.js';
import { TestClock } from './test-clock.js';
import { TestDpopKey } from './test-dpop-key.js';
import {
  accessTokenSchema,
  completeClient,
  DEFAULT_API,
  faultSchema,
  pathOf,
  withoutProvider,
  withSessionSecret,
  withTestSecret,
  type TestAccessToken,
  type TestEndpoint,
  type TestFault,
  type TestModuleOptions,
  type TestProviderOptions,
  type TestUser,
} from './test-provider.options.js';

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
 * await provider.signOut(app, { sub: 'alice' });
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
  /** Whose session each `sid` is. */
  readonly #sessions = new Map<string, string>();
  readonly #given: TestProviderOptions;
  #client: ClientMetadata;
  /** Writes tokens for the application's API. */
  #tokens: AccessTokenWriter;

  private constructor(given: TestProviderOptions) {
    const { clock = new TestClock(), client, resourceServer } = given;
    this.clock = clock;
    this.#given = given;
    this.#client = completeClient(client);
    this.#tokens = new AccessTokenWriter({ ...DEFAULT_API, ...resourceServer });
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

  /** The client that is registered: that of the application's options, once they are known. */
  get client(): ClientMetadata {
    return this.#client;
  }

  /**
   * The module's options for this provider: the application's own, with this issuer and a client that is registered here. What
   * is left out is made up: the client, the audience, the session's secret.
   */
  options(own: TestModuleOptions = {}): OidcModuleOptions {
    return this.#adopt({
      ...own,
      client: completeClient({ ...this.#given.client, ...own.client }),
      session: { secret: randomValue(), ...own.session },
      resourceServer: { ...DEFAULT_API, ...this.#given.resourceServer, ...own.resourceServer },
    });
  }

  /**
   * For `overrideProvider(OIDC_OPTIONS).useFactory()`: the application's own options, of which nothing but the provider is
   * another one. A secret that is a function, or that the environment does not set, is made up.
   *
   * @param name of the client, where it has one; then the token is `getOidcOptionsToken(name)`
   */
  optionsFactory(name?: string): {
    readonly factory: (given: () => Promise<OidcModuleOptions>) => Promise<OidcModuleOptions>;
    readonly inject: string[];
  } {
    return {
      factory: async (given) => {
        const own = await given();
        return this.#adopt(withSessionSecret({ ...own, client: withTestSecret(own.client) }));
      },
      inject: [givenOptionsToken(name)],
    };
  }

  /**
   * Issuer, client and a new secret for sessions as environment variables, for an application that reads them:
   * `Object.assign(process.env, provider.env())`. Tell {@link start} what else is registered.
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
  async accessToken(given: TestAccessToken = {}): Promise<string> {
    const asked = validate(accessTokenSchema, given, 'accessToken');
    const clientId = asked.client_id ?? this.#client.client_id;
    const token = this.#write({
      sub: asked.sub === null ? clientId : (asked.sub ?? 'alice'),
      clientId,
      scope: asked.scope,
      roles: asked.roles,
      audience: asked.audience,
      expiresIn: asked.expiresIn,
      cnf: bindingOf(asked),
      claims: asked.claims,
      format: asked.format,
    });
    return this.#op.remember(token);
  }

  /**
   * Signs a user in at the application, by a real login.
   *
   * @returns the browser's `Cookie` header
   */
  signIn(app: INestApplication, user: TestUser = {}, options: SignInOptions = {}): Promise<string> {
    const { sub = 'alice', roles = [], claims } = user;
    const sid = randomValue();
    this.#users.set(sub, user);
    this.#sessions.set(sid, sub);
    const cookie = this.#op.signIn({ sub, claims: { sid, ...this.#tokens.rolesClaims(roles), ...claims } });
    return signIn(app, { issuer: this.issuer, cookie }, options);
  }

  /**
   * Signs a user out at the provider, which tells the application (OpenID Connect Back-Channel Logout 1.0).
   *
   * @param options `client`: the name of the client, where there are several
   */
  async signOut(
    app: INestApplication,
    { sub = 'alice' }: TestUser = {},
    { client }: { readonly client?: string } = {},
  ): Promise<void> {
    const sids = [...this.#sessions.keys()].filter((sid) => this.#sessions.get(sid) === sub);
    sids.forEach((sid) => this.#sessions.delete(sid));
    const by = { issuer: this.issuer, now: this.clock.seconds, keyFor: (alg: string) => this.#op.key(alg) };
    await backchannelLogout(app, { sub, sids }, by, client);
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
    if (!this.#op.isKnown(token)) {
      throw new Error('The provider has not issued this token.');
    }
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
    const answer = validate(faultSchema, fault, 'fault');
    this.#op.answer(pathOf(endpoint), typeof answer === 'number' ? { status: answer, body: {} } : answer, options);
  }

  /** Ends the faults of an endpoint; of all where none is named. */
  recovers(endpoint?: TestEndpoint): void {
    this.#op.heal(endpoint && pathOf(endpoint));
  }

  /** How often an endpoint was called. */
  calls(endpoint: TestEndpoint): number {
    return this.#op.count(pathOf(endpoint));
  }

  /** Stops it at once. */
  close(): Promise<void> {
    return this.#op.close();
  }

  /** Registers the client of an application, and tells it where its provider is now. */
  #adopt(own: Omit<OidcModuleOptions, 'issuer'>): OidcModuleOptions {
    this.#client = own.client;
    this.#tokens = own.resourceServer === undefined ? this.#tokens : new AccessTokenWriter(own.resourceServer);
    // A security profile completes it.
    const { metadata } = parseClientMetadata(this.#client, securityProfile(own.profile));
    this.#op.register({ ...metadata, ...this.#client });
    return { ...withoutProvider(own), issuer: this.issuer, client: this.#client };
  }

  /** A token that the application got at the token endpoint. */
  #ofGrant({ sub, client_id = '', scope = '', aud, cnf }: IssuedToken): IssuedAccessToken {
    return this.#write({
      sub: sub ?? client_id,
      clientId: client_id,
      scope,
      roles: this.#users.get(sub ?? '')?.roles ?? [],
      audience: Array.isArray(aud) ? aud : undefined,
      cnf: isJsonObject(cnf) ? cnf : undefined,
    });
  }

  #write(content: AccessTokenContent): IssuedAccessToken {
    const keyFor = (alg: string): SigningKey => this.#op.key(alg);
    return this.#tokens.write(content, { issuer: this.issuer, now: this.clock.seconds, keyFor });
  }
}

/** RFC 8705, section 3.1; RFC 9449, section 6.1. */
function bindingOf({ dpop, certificate }: TestAccessToken): JsonObject | undefined {
  if (dpop === undefined && certificate === undefined) {
    return undefined;
  }
  return {
    ...(dpop !== undefined && { jkt: dpop.jkt }),
    ...(certificate !== undefined && { 'x5t#S256': certificate.thumbprint }),
  };
}
