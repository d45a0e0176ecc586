/** The caller that our guards authenticated. A member that is present but `undefined` was looked for and not found. */
export interface Authenticated {
  /** The verified token, the session's user, or the value that the application's `validate` returned. */
  readonly user?: unknown;
  /** The verified access token; only `OidcGuard` sets it. */
  readonly token?: unknown;
}

/** The key of the record on the call. On every request a property costs a fifth of a `WeakMap`. */
const FOUND = Symbol('nestjs-oidc');

/** The key of a refusal's undo on the call. It removes the headers that the refusal has set. */
const REFUSED = Symbol('nestjs-oidc: refused');

/** A call, or the request behind it, with our records. */
interface Marked {
  [FOUND]?: Authenticated;
  [REFUSED]?: () => void;
  user?: unknown;
}

/**
 * Records the caller that a guard has verified, and sets `request.user`, where users of Passport expect it. Removes the headers
 * of a guard that refused before.
 *
 * @param call the object of this call alone; on HTTP it is the request
 */
export function authenticate(call: object, found: Authenticated, request: object = call): void {
  withdrawRefusal(call);
  const before = authenticated(call);
  mark(call)[FOUND] = before === undefined ? found : { ...before, ...found };
  if ('user' in found) {
    mark(request).user = found.user;
  }
}

/** Records the undo of a refusal's headers, because another guard may still admit the call. */
export function recordRefusal(call: object, takeBack: () => void): void {
  const earlier = mark(call)[REFUSED];
  mark(call)[REFUSED] = () => {
    takeBack();
    earlier?.();
  };
}

/** Removes the headers of this call's refusals, for a call that is admitted after all. */
export function withdrawRefusal(call: object): void {
  const marked = mark(call);
  if (marked[REFUSED] !== undefined) {
    marked[REFUSED]();
    delete marked[REFUSED];
  }
}

/** Records a guard that checked nothing. An earlier guard's caller stays. */
export function admitAnonymous(call: object, looked: Authenticated): void {
  mark(call)[FOUND] = { ...looked, ...authenticated(call) };
}

/** The caller; undefined if none of our guards ran. */
export function authenticated(call: object): Authenticated | undefined {
  return mark(call)[FOUND];
}

/** Readers of the caller by the class of the handler, for tests that replace our guards. */
const readers = new WeakMap<object, (request: object) => Authenticated>();

/** Sets the reader of the caller where no guard of ours ran; undefined removes it. For tests of applications only. */
export function readInstead(controller: object, read: ((request: object) => Authenticated) | undefined): void {
  if (read === undefined) {
    readers.delete(controller);
  } else {
    readers.set(controller, read);
  }
}

/** The caller that a test's guard left on the request; undefined where no test replaced a guard. */
export function leftByTest(controller: object, request: object): Authenticated | undefined {
  return readers.get(controller)?.(request);
}

/** Whether a guard of another copy of this package ran. Its record can't be read here. */
export function wasFoundByAnotherCopy(call: object): boolean {
  return Object.getOwnPropertySymbols(call).some((key) => key !== FOUND && key.description === FOUND.description);
}

/** `Reflect` would do the same, fifteen times slower. */
function mark(call: object): Marked {
  return call;
}
