import { Agent, type Dispatcher } from 'undici';

/**
 * Sees every call of the application to the outside, and brings names that do not exist to a server on loopback.
 *
 * ```ts
 * const outside = new SeenDispatcher({ 'https://op.test': op.origin });
 * const app = await createApp({ adapter, op, extras: { providers: [outside.provide(OIDC_DISPATCHER)] } });
 * expect(outside.calls).not.toContainEqual(expect.stringContaining('evil.test'));
 * ```
 */
export class SeenDispatcher extends Agent {
  /** `POST https://op.test/token`, in the order in which they were begun. */
  readonly calls: string[] = [];
  readonly #origins: Readonly<Record<string, string>>;

  constructor(origins: Readonly<Record<string, string>> = {}) {
    super();
    this.#origins = origins;
  }

  /** For `extras.providers`; the token is passed in, so that this file knows nothing of the library. */
  provide<T>(token: T): { provide: T; useValue: Dispatcher } {
    return { provide: token, useValue: this };
  }

  override dispatch(options: Agent.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const origin = String(options.origin);
    this.calls.push(`${options.method} ${origin}${options.path}`);
    return super.dispatch({ ...options, origin: this.#origins[origin] ?? origin }, handler);
  }
}
