/** What our guards found out about a request. A member that stands here, be it `undefined`, was looked for by a guard. */
export interface Authenticated {
  /** The verified token, the session's user, or what the application's `validate` made of it. */
  readonly user?: unknown;
  /** The verified access token; only `OidcGuard` sets it. */
  readonly token?: unknown;
}

const requests = new WeakMap<object, Authenticated>();

/** Records what a guard verified. Sets `request.user` as well, where Passport's users expect it. */
export function authenticate(request: object, found: Authenticated): void {
  requests.set(request, { ...requests.get(request), ...found });
  if ('user' in found) {
    Reflect.set(request, 'user', found.user);
  }
}

/** Records that a guard let the request pass without looking, unless another guard already found somebody. */
export function admitAnonymous(request: object, looked: Authenticated): void {
  requests.set(request, { ...looked, ...requests.get(request) });
}

/** What the guards found, or `undefined` when none of ours ran. */
export function authenticated(request: object): Authenticated | undefined {
  return requests.get(request);
}
