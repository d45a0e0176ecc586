import { createHash, randomBytes } from 'node:crypto';

import { TestClock } from '../clock.js';
import {
  ASYMMETRIC_ALGORITHMS,
  generateKey,
  hashOf,
  keyOf,
  kindOf,
  type KeyKind,
  type SigningKey,
} from '../tokens/keys.js';
import { FaultyServer, type Answer, type Recorded } from './faulty-server.js';
import { formPost, invalidClient, NO_STORE, oauthError, redirect } from './provider-answers.js';
import { ProviderClients, type RegisteredClient } from './provider-clients.js';
import {
  respondWith,
  signFor,
  UNCHANGED,
  type Change,
  type Changes,
  type JwtFault,
  type Members,
  type ResponseFault,
} from './provider-faults.js';
import { seenProof, type SeenProof } from './seen-proof.js';

export { authenticationOf } from './provider-clients.js';
export type { JwtFault, Members, ResponseFault } from './provider-faults.js';

/** What the provider knows of an access token: the members of an introspection response. */
export interface IssuedToken {
  readonly [member: string]: unknown;
  readonly scope?: string;
  readonly aud?: unknown;
  readonly exp?: unknown;
  readonly sub?: string | undefined;
  readonly client_id?: string;
  /** Left out: as long as `exp` lies ahead. Given: said as it is, whatever `exp` says. */
  readonly active?: unknown;
}

export interface HostileProviderOptions {
  /** Default: a new one at T. */
  readonly clock?: TestClock;
  readonly clients?: readonly RegisteredClient[];
  /** As it appears in the issuer: `127.0.0.1`, the default, or `localhost`. */
  readonly host?: string;
  /** The issuer's path, such as `/tenant`; default none. */
  readonly path?: string;
}

interface Grant {
  readonly client: RegisteredClient;
  readonly scope: string;
  readonly sub: string;
  readonly nonce: string | undefined;
  readonly authTime: number;
}

interface Code extends Grant {
  readonly redirectUri: string;
  readonly challenge: string;
  /** RFC 9449, section 10. */
  readonly jkt: string | undefined;
  readonly expiresAt: number;
  readonly wantsAuthTime: boolean;
}

const ENDPOINTS = ['jwks', 'authorize', 'token', 'userinfo', 'introspect', 'revoke', 'end-session'] as const;

export type Endpoint = (typeof ENDPOINTS)[number];

const INTROSPECTION_JWT = 'application/token-introspection+jwt';

const METHODS = ['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt', 'none'];

/**
 * An OpenID Provider that does everything right until a test tells it otherwise. It signs everybody in at once, as
 * `alice`.
 *
 * ```ts
 * const op = await HostileProvider.start({ clients: [{ client_id: 'rp1', client_secret: 's3cret' }] });
 * op.discovery((document) => ({ ...document, issuer: 'https://evil.test' }));
 * op.idToken({ claims: (claims) => ({ ...claims, aud: 'somebody-else' }) });
 * op.idToken({ sign: 'stranger' });
 * op.introspectionResponse({ body: (members) => ({ ...members, active: 'true' }) });
 * op.answer('token', 'hang', { times: 1 });
 * const token = op.issue({ scope: 'orders:read' });
 * op.count('introspect');
 * op.reset();
 * await op.close();
 * ```
 */
export class HostileProvider extends FaultyServer {
  readonly clock: TestClock;
  readonly clients: ProviderClients;
  /** Who is signed in; `sub` and the claims that userinfo gives. */
  user: Members = { sub: 'alice', name: 'Alice', email: 'alice@op.test', email_verified: true };

  readonly #path: string;
  readonly #codes = new Map<string, Code>();
  readonly #usedCodes = new Map<string, string[]>();
  readonly #tokens = new Map<string, IssuedToken>();
  readonly #refreshTokens = new Map<string, Grant>();
  readonly #keys = new Map<KeyKind, SigningKey>();
  #retired: readonly SigningKey[] = [];
  #changes: Changes = UNCHANGED;

  private constructor({ clock = new TestClock(), clients = [], path = '' }: HostileProviderOptions) {
    super();
    this.clock = clock;
    this.#path = path;
    this.clients = new ProviderClients(() => this.issuer, clock.now);
    clients.forEach((client) => this.clients.register(client));
    for (const kind of ['RSA', 'P-256', 'P-384', 'P-521', 'Ed25519'] as const) {
      this.#keys.set(kind, keyOf(kind));
    }
  }

  static async start(options: HostileProviderOptions = {}): Promise<HostileProvider> {
    const provider = new HostileProvider(options);
    await provider.listen(options.host ?? '127.0.0.1');
    return provider;
  }

  /** Adds a client, in place of one with the same `client_id`. */
  register(client: RegisteredClient): void {
    this.clients.register(client);
  }

  get issuer(): string {
    return this.origin + this.#path;
  }

  url(endpoint: Endpoint): string {
    return `${this.issuer}/${endpoint}`;
  }

  /** The key that a JWT of this algorithm is signed with at present. */
  key(alg: string): SigningKey {
    const key = this.#keys.get(kindOf(alg) ?? 'RSA');
    if (key === undefined) {
      throw new Error(`The provider has no key for ${alg}`);
    }
    return key;
  }

  readonly #keyFor = (alg: string): SigningKey => this.key(alg);

  // What is made wrong. Each call replaces the one before; `reset` ends them all.

  discovery(change: Change<Members>): void {
    this.#changes = { ...this.#changes, discovery: change };
  }

  jwks(change: Change<{ readonly keys: readonly Members[] }>): void {
    this.#changes = { ...this.#changes, jwks: change };
  }

  /** Changes the parameters that the browser takes back; a value that becomes undefined is left out. */
  authorizationResponse(change: Change<Readonly<Record<string, string | undefined>>>): void {
    this.#changes = { ...this.#changes, authorizationResponse: change };
  }

  /** Changes the members of a successful token response. */
  tokenResponse(change: Change<Members>): void {
    this.#changes = { ...this.#changes, tokenResponse: change };
  }

  idToken(fault: JwtFault): void {
    this.#changes = { ...this.#changes, idToken: fault };
  }

  introspectionResponse(fault: ResponseFault): void {
    this.#changes = { ...this.#changes, introspection: fault };
  }

  userinfo(fault: ResponseFault): void {
    this.#changes = { ...this.#changes, userinfo: fault };
  }

  /** Ends every fault. Clients, tokens, keys and records stay. */
  reset(): void {
    this.#changes = UNCHANGED;
    this.heal();
  }

  /**
   * New keys in place of the old ones, or only of this kind.
   *
   * @param keepOld leaves the old ones published
   */
  rotate({
    keepOld = false,
    kinds = [...this.#keys.keys()],
  }: { keepOld?: boolean; kinds?: readonly KeyKind[] } = {}): void {
    const old = kinds.flatMap((kind) => this.#keys.get(kind) ?? []);
    this.#retired = keepOld ? [...this.#retired, ...old] : [];
    kinds.forEach((kind) => this.#keys.set(kind, generateKey(kind)));
  }

  /**
   * An opaque access token, by default of `alice` for the API `https://api.test` with `orders:read`, for an hour. Members
   * that are undefined are left out of what introspection says.
   */
  issue(members: IssuedToken = {}): string {
    const token = random();
    const now = this.clock.seconds;
    this.#tokens.set(token, {
      iss: this.issuer,
      sub: 'alice',
      aud: 'https://api.test',
      client_id: 'rp1',
      scope: 'orders:read',
      token_type: 'Bearer',
      iat: now,
      exp: now + 3600,
      ...members,
    });
    return token;
  }

  /** Makes the provider forget a token. */
  expire(token: string): void {
    this.#tokens.delete(token);
    this.#refreshTokens.delete(token);
  }

  isKnown(token: string): boolean {
    return this.#tokens.has(token) || this.#refreshTokens.has(token);
  }

  /** A code as the authorization endpoint gives it, for tests that have no browser. */
  issueCode(clientId: string, request: Readonly<Record<string, string>>): string {
    const client = this.clients.find(clientId);
    if (client === undefined) {
      throw new Error(`${clientId} is not registered`);
    }
    const code = random();
    this.#codes.set(code, {
      client,
      scope: request['scope'] ?? 'openid',
      sub: String(this.user['sub']),
      nonce: request['nonce'],
      authTime: this.clock.seconds,
      wantsAuthTime: request['max_age'] !== undefined || client['require_auth_time'] === true,
      redirectUri: request['redirect_uri'] ?? '',
      challenge: request['code_challenge'] ?? '',
      jkt: request['dpop_jkt'],
      expiresAt: this.clock.seconds + 60,
    });
    return code;
  }

  protected route(path: string): string {
    const own = path.startsWith(`${this.#path}/`) ? path.slice(this.#path.length + 1) : undefined;
    const isInserted = path === `/.well-known/oauth-authorization-server${this.#path}`;
    if (isInserted || own === '.well-known/openid-configuration') {
      return 'discovery';
    }
    return ENDPOINTS.find((endpoint) => endpoint === own) ?? 'other';
  }

  protected respond(request: Recorded): Promise<Answer> {
    const answers: Readonly<Record<string, () => Promise<Answer>>> = {
      discovery: async () => ({ body: await this.#changes.discovery(this.#document(), request) }),
      jwks: async () => ({ body: await this.#changes.jwks({ keys: this.#publishedKeys() }, request) }),
      authorize: () => this.#authorize(request),
      token: () => this.#token(request),
      userinfo: () => this.#userinfo(request),
      introspect: () => this.#introspect(request),
      revoke: () => this.#revoke(request),
      'end-session': () => this.#endSession(request),
    };
    return answers[request.endpoint]?.() ?? Promise.resolve({ status: 404, body: 'Not found' });
  }

  #publishedKeys(): readonly Members[] {
    return [...this.#keys.values(), ...this.#retired].map((key) => key.jwk);
  }

  #document(): Members {
    return {
      issuer: this.issuer,
      authorization_endpoint: this.url('authorize'),
      token_endpoint: this.url('token'),
      userinfo_endpoint: this.url('userinfo'),
      introspection_endpoint: this.url('introspect'),
      revocation_endpoint: this.url('revoke'),
      end_session_endpoint: this.url('end-session'),
      jwks_uri: this.url('jwks'),
      scopes_supported: ['openid', 'profile', 'email', 'offline_access', 'orders:read', 'orders:write'],
      response_types_supported: ['code'],
      response_modes_supported: ['query', 'form_post'],
      grant_types_supported: ['authorization_code', 'refresh_token', 'client_credentials'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: [...ASYMMETRIC_ALGORITHMS, 'HS256'],
      userinfo_signing_alg_values_supported: ASYMMETRIC_ALGORITHMS,
      introspection_signing_alg_values_supported: ASYMMETRIC_ALGORITHMS,
      token_endpoint_auth_methods_supported: METHODS,
      introspection_endpoint_auth_methods_supported: METHODS,
      revocation_endpoint_auth_methods_supported: METHODS,
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
    };
  }

  /** OpenID Connect Core 1.0, section 3.1.2, without anybody to ask. */
  async #authorize(request: Recorded): Promise<Answer> {
    const parameters = Object.fromEntries(request.method === 'POST' ? Object.entries(request.form) : request.query);
    const client = this.clients.find(parameters['client_id'] ?? '');
    const redirectUri = parameters['redirect_uri'] ?? '';
    if (!client?.redirect_uris?.includes(redirectUri)) {
      return { status: 400, body: 'Unknown client or redirect URI' };
    }
    const isComplete =
      parameters['response_type'] === 'code' &&
      parameters['code_challenge_method'] === 'S256' &&
      (parameters['scope'] ?? '').split(' ').includes('openid');
    const outcome = isComplete ? { code: this.issueCode(client.client_id, parameters) } : { error: 'invalid_request' };
    const state = parameters['state'];
    const sent = await this.#changes.authorizationResponse({ ...outcome, state, iss: this.issuer }, request);
    const pairs = Object.entries(sent).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as const],
    );
    return parameters['response_mode'] === 'form_post' ? formPost(redirectUri, pairs) : redirect(redirectUri, pairs);
  }

  async #token(request: Recorded): Promise<Answer> {
    const client = await this.clients.authenticate(request);
    if (client === undefined) {
      return invalidClient(request);
    }
    const proof = await this.#proofOf(request, 'token');
    if (proof === 'bad' || (proof === undefined && client['dpop_bound_access_tokens'] === true)) {
      return oauthError(400, 'invalid_dpop_proof');
    }
    const jkt = proof?.jkt;
    const grants: Readonly<Record<string, () => Members | undefined>> = {
      authorization_code: () => this.#redeem(client, request, jkt),
      refresh_token: () => this.#refresh(client, request, jkt),
      client_credentials: () => this.#tokensFor(client, request.form['scope'] ?? '', jkt),
    };
    const grant = grants[request.form['grant_type'] ?? ''];
    if (grant === undefined) {
      return oauthError(400, 'unsupported_grant_type');
    }
    const body = grant();
    return body === undefined
      ? oauthError(400, 'invalid_grant')
      : { headers: NO_STORE, body: await this.#changes.tokenResponse(body, request) };
  }

  /** What came is in `request.notes.proof`, when it is good. */
  async #proofOf(request: Recorded, endpoint: Endpoint): Promise<SeenProof | 'bad' | undefined> {
    try {
      const proof = await seenProof(request, this.url(endpoint), new Date(this.clock.now()));
      request.notes['proof'] = proof;
      return proof;
    } catch {
      return 'bad';
    }
  }

  /** RFC 6749, section 4.1.3; RFC 7636, section 4.6: a code works once, and its second use ends what the first brought. */
  #redeem(client: RegisteredClient, request: Recorded, jkt: string | undefined): Members | undefined {
    const { code: value = '', redirect_uri, code_verifier = '' } = request.form;
    this.#usedCodes.get(value)?.forEach((token) => this.expire(token));
    const code = this.#codes.get(value);
    this.#codes.delete(value);
    if (
      code?.client.client_id !== client.client_id ||
      code.redirectUri !== redirect_uri ||
      code.expiresAt <= this.clock.seconds ||
      code.challenge !== createHash('sha256').update(code_verifier).digest('base64url') ||
      (code.jkt !== undefined && code.jkt !== jkt)
    ) {
      return undefined;
    }
    const tokens = this.#tokensFor(client, code.scope, jkt, code);
    this.#usedCodes.set(value, [String(tokens['access_token']), String(tokens['refresh_token'])]);
    return { ...tokens, id_token: this.#newIdToken(code, String(tokens['access_token']), request, code.wantsAuthTime) };
  }

  #refresh(client: RegisteredClient, request: Recorded, jkt: string | undefined): Members | undefined {
    const grant = this.#refreshTokens.get(request.form['refresh_token'] ?? '');
    if (grant?.client.client_id !== client.client_id) {
      return undefined;
    }
    this.expire(request.form['refresh_token'] ?? '');
    const tokens = this.#tokensFor(client, request.form['scope'] ?? grant.scope, jkt, grant);
    const idToken = this.#newIdToken({ ...grant, nonce: undefined }, String(tokens['access_token']), request, true);
    return { ...tokens, id_token: idToken };
  }

  #tokensFor(client: RegisteredClient, scope: string, jkt: string | undefined, grant?: Grant): Members {
    const token_type = jkt === undefined ? 'Bearer' : 'DPoP';
    const bound = jkt !== undefined && { cnf: { jkt } };
    const access_token = this.issue({ scope, client_id: client.client_id, sub: grant?.sub, token_type, ...bound });
    const tokens = { access_token, token_type, expires_in: 3600, scope };
    if (grant === undefined || !scope.split(' ').includes('offline_access')) {
      return tokens;
    }
    const refresh_token = random();
    this.#refreshTokens.set(refresh_token, grant);
    return { ...tokens, refresh_token };
  }

  #newIdToken(grant: Grant, accessToken: string, request: Recorded, wantsAuthTime: boolean): string {
    const alg = String(grant.client['id_token_signed_response_alg'] ?? 'RS256');
    const now = this.clock.seconds;
    const hash = createHash(hashOf(alg)).update(accessToken).digest();
    const claims = {
      iss: this.issuer,
      sub: grant.sub,
      aud: grant.client.client_id,
      iat: now,
      exp: now + 3600,
      nonce: grant.nonce,
      at_hash: hash.subarray(0, hash.length / 2).toString('base64url'),
      ...(wantsAuthTime && { auth_time: grant.authTime }),
    };
    return signFor(grant.client, { alg, claims }, this.#changes.idToken, request, this.#keyFor);
  }

  async #userinfo(request: Recorded): Promise<Answer> {
    const [, scheme, value = ''] = /^(Bearer|DPoP) (.+)$/i.exec(request.headers.authorization ?? '') ?? [];
    const known = this.#activeToken(value);
    const proof = await this.#proofOf(request, 'userinfo');
    const isBound = Object(known?.['cnf']).jkt !== undefined;
    const isProven = proof !== 'bad' && proof?.jkt === Object(known?.['cnf']).jkt && isBound === (scheme === 'DPoP');
    const token = isProven ? known : undefined;
    const client = this.clients.find(String(token?.client_id));
    if (token?.sub === undefined || client === undefined) {
      return { ...oauthError(401, 'invalid_token'), headers: { 'www-authenticate': 'Bearer error="invalid_token"' } };
    }
    const fault = this.#changes.userinfo;
    const members = { ...this.user, sub: token.sub };
    const alg = client['userinfo_signed_response_alg'];
    return respondWith(fault, members, request, {
      isJwt: alg !== undefined,
      type: 'application/jwt',
      jwt: (body) =>
        signFor(
          client,
          { alg: String(alg ?? 'RS256'), claims: { iss: this.issuer, aud: client.client_id, ...body } },
          fault,
          request,
          this.#keyFor,
        ),
    });
  }

  /** RFC 7662; RFC 9701 when the client asks for it. */
  async #introspect(request: Recorded): Promise<Answer> {
    const client = await this.clients.authenticate(request);
    if (client === undefined) {
      return invalidClient(request);
    }
    const fault = this.#changes.introspection;
    const alg = String(client['introspection_signed_response_alg'] ?? 'RS256');
    const envelope = { iss: this.issuer, aud: client.client_id, iat: this.clock.seconds };
    const header = { typ: 'token-introspection+jwt' };
    return respondWith(fault, this.#activeToken(request.form['token'] ?? '') ?? { active: false }, request, {
      isJwt: (request.headers.accept ?? '').includes(INTROSPECTION_JWT),
      type: INTROSPECTION_JWT,
      jwt: (body) =>
        signFor(
          client,
          { alg, header, claims: { ...envelope, token_introspection: body } },
          fault,
          request,
          this.#keyFor,
        ),
    });
  }

  #activeToken(value: string): IssuedToken | undefined {
    const token = this.#tokens.get(value);
    if (token === undefined) {
      return undefined;
    }
    if ('active' in token) {
      return token;
    }
    return Number(token.exp ?? Number.POSITIVE_INFINITY) > this.clock.seconds ? { active: true, ...token } : undefined;
  }

  async #revoke(request: Recorded): Promise<Answer> {
    if ((await this.clients.authenticate(request)) === undefined) {
      return invalidClient(request);
    }
    this.expire(request.form['token'] ?? '');
    return {};
  }

  async #endSession(request: Recorded): Promise<Answer> {
    const target = request.query.get('post_logout_redirect_uri');
    const client = this.clients.find(request.query.get('client_id') ?? '');
    const registered: unknown = client?.['post_logout_redirect_uris'];
    if (target === null || !Array.isArray(registered) || !registered.includes(target)) {
      return { body: 'Signed out' };
    }
    const state = request.query.get('state');
    return redirect(target, state === null ? [] : [['state', state]]);
  }
}

function random(): string {
  return randomBytes(32).toString('base64url');
}
