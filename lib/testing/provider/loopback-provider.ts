import { authorize } from './authorization-endpoint.js';
import { AuthorizationRequests, requestAt, type RequestParameters } from './authorization-requests.js';
import { backchannelAuthentication, pushOf } from './backchannel-endpoint.js';
import { ProviderClients, type RegisteredClient } from './clients.js';
import { Consents, type Decision } from './consents.js';
import { ENDPOINTS, type Endpoint, type ProviderContext } from './context.js';
import { deviceAuthorization } from './device-endpoint.js';
import { discovery, jwks } from './discovery.js';
import { endSession } from './end-session-endpoint.js';
import type { Answer } from './http-answer.js';
import { introspect } from './introspection-endpoint.js';
import {
  Issued,
  randomValue,
  type IssuedAccessToken,
  type IssuedToken,
  type MakeAccessToken,
  type SignedIn,
} from './issued.js';
import { KeyRing, type Rotation } from './key-ring.js';
import type { SigningKey } from './keys.js';
import { cookieOf, LoopbackServer, type Recorded } from './loopback-server.js';
import type { ProviderClock } from './provider-clock.js';
import { par } from './pushed-authorization-request-endpoint.js';
import { register, type RegistrationTokens } from './registration-endpoint.js';
import { unchanged, type Members, type ResponseHooks } from './response-hooks.js';
import { revoke } from './revocation-endpoint.js';
import { checkSession, told } from './session-management.js';
import { token } from './token-endpoint.js';
import { userinfo } from './userinfo-endpoint.js';
import { webfinger } from './webfinger.js';

export interface LoopbackProviderOptions<Clock extends ProviderClock> {
  readonly clock: Clock;
  readonly clients?: readonly RegisteredClient[] | undefined;
  /** As it appears in the issuer: `127.0.0.1`, the default, or `localhost`. */
  readonly host?: string | undefined;
  /** The issuer's path, such as `/tenant`; default none. */
  readonly path?: string | undefined;
  /** Whether it remembers who is signed in in which browser, and has a `check_session_iframe`. Default: it does not. */
  readonly managesSessions?: boolean | undefined;
  /** The origin of the issuer, where somebody stands in front: `https://op.test`. Default: where it listens. */
  readonly publicOrigin?: string | undefined;
  /** Makes the access tokens. Default: opaque ones, of `alice` for the API `https://api.test`. */
  readonly makeAccessToken?: MakeAccessToken | undefined;
}

const ANSWERS: Readonly<Record<string, (op: ProviderContext, request: Recorded) => Promise<Answer>>> = {
  discovery,
  jwks,
  authorize,
  par,
  token,
  userinfo,
  introspect,
  revoke,
  'end-session': endSession,
  'device-authorization': deviceAuthorization,
  register,
  webfinger,
  'check-session': checkSession,
  told,
  'backchannel-authentication': backchannelAuthentication,
};

/** The cookie of a browser in which somebody else than {@link LoopbackProvider.user} is signed in. */
const USER_COOKIE = 'op-user';

/**
 * OpenID Provider in this process, on a free port of loopback, that does everything right. It signs everybody in at once: the
 * user of the browser's cookie, else `alice`.
 *
 * ```ts
 * const op = new LoopbackProvider({ clock, clients: [{ client_id: 'rp1', client_secret: 's3cret' }] });
 * await op.start();
 * const token = op.issue({ scope: 'orders:read' });
 * op.expire(token);
 * op.rotate({ keepOld: true });
 * op.count('introspect');
 * await op.close();
 * ```
 */
export class LoopbackProvider<Clock extends ProviderClock> extends LoopbackServer {
  readonly clock: Clock;
  /** Who is signed in where no cookie says otherwise; `sub` and the claims that userinfo gives. */
  user: Members = { sub: 'alice', name: 'Alice', email: 'alice@op.test', email_verified: true };

  /** What each kind of answer goes through before it is sent: the seam for whoever changes it. */
  protected hooks: ResponseHooks = unchanged((alg) => this.key(alg));

  readonly #path: string;
  readonly #publicOrigin: string | undefined;
  readonly #managesSessions: boolean;
  readonly #clients: ProviderClients;
  readonly #registrations: RegistrationTokens = new Map();
  readonly #keys = new KeyRing();
  readonly #issued: Issued;
  readonly #consents: Consents;
  readonly #requests: AuthorizationRequests;
  /** Who is signed in, by the value of the browser's cookie. */
  readonly #browsers = new Map<string, SignedIn>();

  constructor({
    clock,
    clients = [],
    host,
    path = '',
    publicOrigin,
    managesSessions = false,
    makeAccessToken,
  }: LoopbackProviderOptions<Clock>) {
    super(host);
    this.clock = clock;
    this.#path = path;
    this.#publicOrigin = publicOrigin;
    this.#managesSessions = managesSessions;
    this.#clients = new ProviderClients(
      () => this.issuer,
      () => clock.now(),
    );
    clients.forEach((client) => this.register(client));
    this.#issued = new Issued(clock, makeAccessToken ?? ((asked) => opaque({ ...this.#usualToken(), ...asked })));
    this.#consents = new Consents(() => clock.seconds);
    this.#requests = new AuthorizationRequests(clock);
  }

  async start(): Promise<void> {
    await this.listen();
  }

  /** Adds a client, in place of one with the same `client_id`. */
  register(client: RegisteredClient): void {
    this.#clients.register(client);
  }

  get issuer(): string {
    return (this.#publicOrigin ?? this.origin) + this.#path;
  }

  url(endpoint: Endpoint): string {
    return `${this.issuer}/${endpoint}`;
  }

  /** The key that a JWT of this algorithm is signed with at present. */
  key(alg: string): SigningKey {
    return this.#keys.key(alg);
  }

  /**
   * New keys in place of the old ones, or only of these kinds.
   *
   * @param rotation `keepOld` leaves the old ones published
   */
  rotate(rotation?: Rotation): void {
    this.#keys.rotate(rotation);
  }

  /**
   * An access token, by default of `alice` for the API `https://api.test` with `orders:read`, for an hour. Members that are
   * undefined are left out of what introspection says.
   */
  issue(members: IssuedToken = {}): string {
    return this.#issued.token(members);
  }

  /** From now on the provider knows an access token that somebody else made. @returns its value */
  remember(token: IssuedAccessToken): string {
    return this.#issued.remember(token);
  }

  /** Signs somebody in in a browser. @returns its `Cookie` header at the provider */
  signIn(user: SignedIn): string {
    const value = randomValue();
    this.#browsers.set(value, user);
    return `${USER_COOKIE}=${value}`;
  }

  /** Makes the provider forget a token. */
  expire(token: string): void {
    this.#issued.expire(token);
  }

  isKnown(token: string): boolean {
    return this.#issued.isKnown(token);
  }

  /** The parameters of an authorization request, as the authorization endpoint finds them behind its URL. */
  parametersAt(url: string): Promise<RequestParameters> {
    return requestAt(this.#context(), Object.fromEntries(new URL(url).searchParams));
  }

  /** A code as the authorization endpoint gives it, for tests that have no browser. */
  issueCode(clientId: string, request: Readonly<Record<string, string>>): string {
    const client = this.#clients.find(clientId);
    if (client === undefined) {
      throw new Error(`${clientId} is not registered`);
    }
    return this.#issued.code(client, request, { sub: String(this.user['sub']) });
  }

  /** What somebody decides on another device about a `device_code` or an `auth_req_id`. */
  decide(handle: string, decision: Decision): void {
    this.#consents.decide(handle, decision);
  }

  /** The body of a push about an `auth_req_id` that was approved. */
  push(auth_req_id: string): Promise<Members> {
    return pushOf(this.#context(), auth_req_id, this.last('backchannel-authentication'));
  }

  protected route(path: string): string {
    const own = path.startsWith(`${this.#path}/`) ? path.slice(this.#path.length + 1) : undefined;
    const isInserted = path === `/.well-known/oauth-authorization-server${this.#path}`;
    if (isInserted || own === '.well-known/openid-configuration') {
      return 'discovery';
    }
    if (path === '/.well-known/webfinger') {
      return 'webfinger';
    }
    return ENDPOINTS.find((endpoint) => endpoint === own?.replace(/^register\/.+/, 'register')) ?? 'other';
  }

  protected respond(request: Recorded): Promise<Answer> {
    return ANSWERS[request.endpoint]?.(this.#context(), request) ?? Promise.resolve({ status: 404, body: 'Not found' });
  }

  #context(): ProviderContext {
    return {
      issuer: this.issuer,
      url: (endpoint) => this.url(endpoint),
      clock: this.clock,
      clients: this.#clients,
      registrations: this.#registrations,
      requests: this.#requests,
      keys: this.#keys,
      issued: this.#issued,
      consents: this.#consents,
      userOf: (request) => this.#userOf(request),
      claimsOf: (sub) => [...this.#browsers.values()].findLast((user) => user.sub === sub)?.claims ?? this.user,
      hooks: this.hooks,
      managesSessions: this.#managesSessions,
    };
  }

  #userOf(request: Recorded): SignedIn {
    return this.#browsers.get(cookieOf(request, USER_COOKIE) ?? '') ?? { sub: String(this.user['sub']) };
  }

  #usualToken(): IssuedToken {
    const now = this.clock.seconds;
    return {
      iss: this.issuer,
      sub: 'alice',
      aud: 'https://api.test',
      client_id: 'rp1',
      scope: 'orders:read',
      token_type: 'Bearer',
      iat: now,
      exp: now + 3600,
    };
  }
}

function opaque(members: IssuedToken): IssuedAccessToken {
  return { value: randomValue(), members };
}
