import { randomBytes, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

import type { Configuration, default as Provider } from 'oidc-provider';
import { request } from 'undici';

import type { RegisteredClient } from '../../../lib/testing/provider/clients.js';
import { keyOf, privateJwk } from '../../../lib/testing/provider/keys.js';
import type { Browser, LoginOptions, Page } from '../browser/browser.js';
import { TestClock } from '../clock.js';

const RESOURCE = 'https://api.test';

/** How it encrypts, beside what it would do by itself. */
const KEY_MANAGEMENT = ['RSA-OAEP', 'RSA-OAEP-256', 'ECDH-ES', 'ECDH-ES+A128KW', 'A128KW', 'A256GCMKW', 'dir'] as const;

/** A machine that gets tokens for itself. */
const CLI = { client_id: 'cli', client_secret: randomBytes(32).toString('hex') } as const;

/** Certificates that clients show; what ended TLS hands them on. */
const CERTIFICATES: NonNullable<Configuration['features']>['mTLS'] = {
  enabled: true,
  certificateBoundAccessTokens: true,
  selfSignedTlsClientAuth: true,
  getCertificate: (context) => {
    const shown = context.get('x-client-certificate');
    return shown === '' ? undefined : new X509Certificate(Buffer.from(shown, 'base64'));
  },
};

/** Hints are names of accounts, and nobody is asked: tests consent for them. */
const CIBA: NonNullable<Configuration['features']>['ciba'] = {
  enabled: true,
  deliveryModes: ['poll', 'ping'],
  processLoginHint: async (_context, hint) => hint,
  processLoginHintToken: async () => undefined,
  validateBindingMessage: async () => undefined,
  validateRequestContext: async () => undefined,
  verifyUserCode: async () => undefined,
  triggerAuthenticationDevice: async () => undefined,
};

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * `oidc-provider` with its development pages: an implementation that nobody here wrote. Its tokens are opaque and all for
 * the API `https://api.test`.
 *
 * ```ts
 * const op = closeLater(await RealProvider.start());
 * const app = await createApp({ adapter, op, client: RealProvider.SIGNED });
 * const browser = new Browser(app);
 * const callback = await op.login(browser, { sub: 'alice', returnTo: '/me' });
 * const response = await app.call('/orders', await op.clientCredentials('orders:read'));
 * ```
 *
 * It lives in real time, so that its clock starts there; to advance the clock moves the application only.
 */
export class RealProvider {
  /** Registered members that ask for ES256 wherever something is signed, introspection included. */
  static readonly SIGNED = {
    id_token_signed_response_alg: 'ES256',
    introspection_signed_response_alg: 'ES256',
  } as const;

  /** Without it nobody is registered. */
  static readonly INITIAL_ACCESS_TOKEN = randomBytes(16).toString('hex');

  readonly clock = new TestClock(Math.floor(Date.now() / 1000));
  /** Where it reaches an application that has another origin in the browser: the address by the origin. */
  readonly reaches = new Map<string, string>();
  readonly #clients = new Map<string, RegisteredClient>();
  readonly #cookieKey = randomBytes(32).toString('hex');
  readonly #nonceSecret = randomBytes(32);
  readonly #server: Server = createServer((incoming, response) => this.#run().handler(incoming, response));
  #running: { readonly provider: Provider; readonly handler: Handler } | undefined;
  /** The profile of FAPI that it holds its clients to. */
  fapi: '1.0 Final' | '2.0' | undefined;

  private constructor(
    private readonly construct: typeof Provider,
    private readonly host: string,
    private readonly publicUrl: string | undefined,
  ) {}

  /**
   * @param host as it appears in the issuer: `127.0.0.1` or `localhost`
   * @param publicUrl the issuer, where a `TlsFront` stands in front: then clients may show certificates
   */
  static async start(host = '127.0.0.1', publicUrl?: string): Promise<RealProvider> {
    const { default: construct } = await muted(() => import('oidc-provider'));
    const provider = new RealProvider(construct, host, publicUrl);
    provider.#server.listen(0, host);
    await once(provider.#server, 'listening');
    return provider;
  }

  get issuer(): string {
    return this.publicUrl ?? this.origin;
  }

  /** Where it listens. */
  get origin(): string {
    return `http://${this.host}:${Object(this.#server.address()).port}`;
  }

  register(client: RegisteredClient): void {
    this.#clients.set(client.client_id, client);
    // The next request meets a provider that knows the client; what it issued stays, in the adapter of the process.
    this.#running = undefined;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  /** An access token of the client `cli` for itself. */
  async clientCredentials(scope: string): Promise<string> {
    const answer = await request(`${this.issuer}/token`, {
      method: 'POST',
      reset: true,
      headers: {
        authorization: `Basic ${Buffer.from(`${CLI.client_id}:${CLI.client_secret}`).toString('base64')}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope }).toString(),
    });
    const { access_token } = Object(await answer.body.json());
    return String(access_token);
  }

  /** Signs in and consents. @returns the provider's last answer, which leads back to the application */
  async startLogin(
    browser: Browser,
    { sub = 'alice', ...options }: LoginOptions & { sub?: string } = {},
  ): Promise<Page> {
    return this.#leave(browser, await browser.startLogin(options), { login: sub, password: 'any' });
  }

  /** A whole login. @returns the application's answer to the callback */
  async login(browser: Browser, options: LoginOptions & { sub?: string } = {}): Promise<Page> {
    return browser.finishLogin(await this.startLogin(browser, options));
  }

  /** Ends the provider's session. @returns its last answer, which leads back to the application */
  async logout(browser: Browser, endSessionUrl: string): Promise<Page> {
    return this.#leave(browser, await browser.get(endSessionUrl), { logout: 'yes' });
  }

  /** Goes on, through redirects and forms, until the next step lies outside of the provider. */
  async #leave(browser: Browser, first: Page, fields: Readonly<Record<string, string>>): Promise<Page> {
    let page = first;
    for (let step = 0; step < 10; step += 1) {
      const next = page.target ?? /<form[^>]*action="([^"]+)"/.exec(page.body)?.[1];
      if (next === undefined) {
        throw new Error(`The provider answered ${page.status} and leads nowhere: ${page.body}`);
      }
      if (new URL(next, page.url).origin !== this.issuer) {
        return page;
      }
      page = page.target === undefined ? await browser.submitForm(page, fields) : await browser.follow(page);
    }
    throw new Error(`The provider goes round in circles at ${page.url}`);
  }

  /** Somebody enters the code of a device and consents (RFC 8628, section 3.3). */
  async approveDevice(user_code: string, sub = 'alice'): Promise<void> {
    const { provider } = this.#run();
    const code = await provider.DeviceCode.findByUserCode(user_code.replaceAll('-', ''));
    const { clientId, params: { scope = '' } = {} } = Object(code);
    const grantId = await (await grantOf(provider, clientId, sub, scope)).save();
    const authTime = Math.floor(Date.now() / 1000);
    await Object.assign(Object(code), { accountId: sub, grantId, scope, authTime }).save();
  }

  /** The end-user consents on their own device (CIBA); a client of `ping` is notified. */
  async approveBackchannel(auth_req_id: string, sub = 'alice'): Promise<void> {
    const { provider } = this.#run();
    const request = await provider.BackchannelAuthenticationRequest.find(auth_req_id);
    const { clientId, scope } = Object(request);
    const grant = await grantOf(provider, clientId, sub, scope);
    await grant.save();
    await provider.backchannelResult(auth_req_id, grant);
  }

  #run(): { readonly provider: Provider; readonly handler: Handler } {
    this.#running ??= muted(() =>
      inThisRealm(() => {
        const provider = this.#construct();
        return { provider, handler: provider.callback() };
      }),
    );
    return this.#running;
  }

  #construct(): Provider {
    const provider = new this.construct(this.issuer, this.#configuration());
    provider.proxy = this.publicUrl !== undefined;
    return provider;
  }

  #configuration(): Configuration {
    return {
      clients: [
        ...[...this.#clients.values()].map(asProviderClient),
        { ...CLI, grant_types: ['client_credentials'], redirect_uris: [], response_types: [] },
      ],
      jwks: {
        keys: [
          { ...privateJwk(keyOf('P-256', 'real')), kty: 'EC', alg: 'ES256' },
          { ...privateJwk(keyOf('RSA', 'real')), kty: 'RSA', alg: 'RS256' },
          { ...privateJwk(keyOf('RSA', 'real-encryption')), kty: 'RSA', kid: 'rsa-enc', use: 'enc' },
          { ...privateJwk(keyOf('P-256', 'real-encryption')), kty: 'EC', kid: 'ec-enc', use: 'enc' },
        ],
      },
      cookies: { keys: [this.#cookieKey] },
      ...(this.publicUrl !== undefined && { clientAuthMethods: ['private_key_jwt', 'self_signed_tls_client_auth'] }),
      enabledJWA: {
        idTokenEncryptionAlgValues: [...KEY_MANAGEMENT],
        userinfoEncryptionAlgValues: [...KEY_MANAGEMENT],
        introspectionEncryptionAlgValues: [...KEY_MANAGEMENT],
        requestObjectEncryptionAlgValues: [...KEY_MANAGEMENT],
      },
      claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'] },
      // Its own dispatcher reaches no loopback address.
      fetch: (url, options) => {
        const { origin, pathname } = new URL(url);
        return fetch((this.reaches.get(origin) ?? origin) + pathname, { ...Object(options), dispatcher: undefined });
      },
      findAccount: (_context, sub) => ({
        accountId: sub,
        claims: () => ({ sub, name: `${sub} of the test`, email: `${sub}@op.test`, email_verified: true }),
      }),
      ttl: {
        AccessToken: 3600,
        AuthorizationCode: 60,
        BackchannelAuthenticationRequest: 600,
        ClientCredentials: 3600,
        DeviceCode: 600,
        Grant: 3600,
        IdToken: 3600,
        Interaction: 600,
        Session: 3600,
        RefreshToken: 3600,
      },
      responseTypes: ['code', 'id_token', 'id_token token', 'code id_token', 'code token', 'code id_token token'],
      features: {
        devInteractions: { enabled: true },
        encryption: { enabled: true },
        fapi: this.fapi === undefined ? { enabled: false } : { enabled: true, profile: this.fapi },
        dPoP: { enabled: true, nonceSecret: this.#nonceSecret, requireNonce: () => true },
        clientCredentials: { enabled: true },
        pushedAuthorizationRequests: { enabled: true },
        requestObjects: { enabled: true },
        introspection: { enabled: true, allowedPolicy: () => true },
        jwtIntrospection: { enabled: true },
        jwtResponseModes: { enabled: true },
        jwtUserinfo: { enabled: true },
        mTLS: this.publicUrl === undefined ? { enabled: false } : CERTIFICATES,
        registration: { enabled: true, initialAccessToken: RealProvider.INITIAL_ACCESS_TOKEN },
        registrationManagement: { enabled: true, rotateRegistrationAccessToken: true },
        revocation: { enabled: true },
        deviceFlow: { enabled: true },
        ciba: CIBA,
        backchannelLogout: { enabled: true },
        rpInitiatedLogout: {
          enabled: true,
          logoutSource: (context, form) => {
            context.body = form;
          },
        },
        resourceIndicators: {
          enabled: true,
          defaultResource: () => RESOURCE,
          // A token for the API is none for userinfo.
          useGrantedResource: (_context, { scope = '' }) => scope.includes('orders:'),
          getResourceServerInfo: () => ({
            scope: 'orders:read orders:write',
            audience: RESOURCE,
            accessTokenFormat: 'opaque',
            accessTokenTTL: 3600,
          }),
        },
      },
    };
  }
}

/** What somebody allows a client. */
async function grantOf(provider: Provider, clientId: string, accountId: string, scope: string) {
  const grant = new provider.Grant({ accountId, clientId });
  grant.addOIDCScope(scope);
  return grant;
}

/** The private keys are the application's; `scope` would have to be among the provider's own. */
function asProviderClient({
  scope: _,
  jwks,
  ...client
}: RegisteredClient): NonNullable<Configuration['clients']>[number] {
  const { keys = [] } = Object(jwks);
  const publicKeys = keys.map(({ d, p, q, dp, dq, qi, ...key }: Record<string, unknown>) => key);
  return JSON.parse(JSON.stringify({ ...client, ...(keys.length > 0 && { jwks: { keys: publicKeys } }) }));
}

/** Under jest `structuredClone` makes objects of another realm, and the provider takes none of them for the JWK that it is. */
function inThisRealm<T>(work: () => T): T {
  const { structuredClone } = globalThis;
  Object.assign(globalThis, { structuredClone: (value: unknown) => JSON.parse(JSON.stringify(value)) });
  try {
    return work();
  } finally {
    Object.assign(globalThis, { structuredClone });
  }
}

/** The provider warns of Node's version and of its development pages, which are meant here. */
function muted<T>(work: () => T): T {
  const { warn, info } = console;
  const restore = (): void => void Object.assign(console, { warn, info });
  Object.assign(console, { warn: () => undefined, info: () => undefined });
  const result = work();
  if (result instanceof Promise) {
    result.then(restore, restore);
  } else {
    restore();
  }
  return result;
}
