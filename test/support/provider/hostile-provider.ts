import { FailingProvider } from '../../../lib/testing/failing-provider.js';
import type { SeenAuthentication } from '../../../lib/testing/provider/clients.js';
import type { SigningKey } from '../../../lib/testing/provider/keys.js';
import type { LoopbackProviderOptions } from '../../../lib/testing/provider/loopback-provider.js';
import type { Recorded } from '../../../lib/testing/provider/loopback-server.js';
import type { Change, Members, ResponseHooks } from '../../../lib/testing/provider/response-hooks.js';
import { TestClock } from '../clock.js';
import { protectFor, respondWith, type JwtFault, type ResponseFault } from './provider-faults.js';

export type { IssuedToken } from '../../../lib/testing/provider/issued.js';
export type { Members } from '../../../lib/testing/provider/response-hooks.js';
export type { JwtFault, ResponseFault } from './provider-faults.js';

export interface TestProviderOptions extends Omit<LoopbackProviderOptions<TestClock>, 'clock'> {
  /** Default: a new one at T. */
  readonly clock?: TestClock | undefined;
}

/**
 * The correct provider, until a test tells it to be wrong.
 *
 * ```ts
 * const op = await HostileProvider.start({ clients: [{ client_id: 'rp1', client_secret: 's3cret' }] });
 * op.discovery((document) => ({ ...document, issuer: 'https://evil.test' }));
 * op.idToken({ claims: (claims) => ({ ...claims, aud: 'somebody-else' }) });
 * op.idToken({ sign: 'stranger' });
 * op.idToken({ encrypt: 'none' });
 * op.introspectionResponse({ body: (members) => ({ ...members, active: 'true' }) });
 * op.answer('token', 'hang', { times: 1 });
 * op.answer('token', { status: 503, headers: { 'retry-after': '7' } });
 * op.answer('jwks', async (request, next) => ({ ...(await next()), headers: { 'content-type': 'text/html' } }));
 * op.reset();
 * ```
 */
export class HostileProvider extends FailingProvider<TestClock> {
  readonly #right = this.hooks;

  static async start({ clock = new TestClock(), ...options }: TestProviderOptions = {}): Promise<HostileProvider> {
    const provider = new HostileProvider({ clock, ...options });
    await provider.start();
    return provider;
  }

  // What is made wrong. Each call replaces the one before; `reset` ends them all.

  discovery(change: Change<Members>): void {
    this.#hook({ discovery: change });
  }

  jwks(change: Change<{ readonly keys: readonly Members[] }>): void {
    this.#hook({ jwks: change });
  }

  /** Changes the parameters that the browser takes back; a value that becomes undefined is left out. */
  authorizationResponse(change: Change<Readonly<Record<string, string | undefined>>>): void {
    this.#hook({ authorizationResponse: change });
  }

  /** The JWT of an authorization response (JARM). */
  authorizationJwt(fault: JwtFault): void {
    this.#hook({ authorizationJwt: (jwt, request) => protectFor(jwt, fault, request, this.#keyFor) });
  }

  /** Changes the members of a successful token response. */
  tokenResponse(change: Change<Members>): void {
    this.#hook({ tokenResponse: change });
  }

  /** Changes the members of a successful device authorization response. */
  deviceResponse(change: Change<Members>): void {
    this.#hook({ deviceResponse: change });
  }

  /** Changes the members of a successful backchannel authentication response. */
  backchannelResponse(change: Change<Members>): void {
    this.#hook({ backchannelResponse: change });
  }

  idToken(fault: JwtFault): void {
    this.#hook({ idToken: (jwt, request) => protectFor(jwt, fault, request, this.#keyFor) });
  }

  introspectionResponse(fault: ResponseFault): void {
    this.#hook({ introspection: (response, request) => respondWith(response, fault, request, this.#keyFor) });
  }

  userinfo(fault: ResponseFault): void {
    this.#hook({ userinfo: (response, request) => respondWith(response, fault, request, this.#keyFor) });
  }

  /** Ends every fault. Clients, tokens, keys and records stay. */
  reset(): void {
    this.hooks = this.#right;
    this.heal();
  }

  /** Stops listening; {@link revive} opens the same port again. */
  async die(): Promise<number> {
    const port = Number(new URL(this.origin).port);
    await this.close();
    return port;
  }

  async revive(port: number): Promise<void> {
    await this.listen(port);
  }

  readonly #keyFor = (alg: string): SigningKey => this.key(alg);

  #hook(hook: Partial<ResponseHooks>): void {
    this.hooks = { ...this.hooks, ...hook };
  }
}

/** What a request said of its client; for assertions on the authentication method. */
export function authenticationOf(request: Recorded): SeenAuthentication {
  const seen = request.notes['authentication'];
  if (seen === undefined) {
    throw new Error(`The request to ${request.endpoint} was not authenticated`);
  }
  return seen as SeenAuthentication;
}
