/** The caller, as our guards found them. A guard looked for each member that stands here, even if it is `undefined`. */
export interface Authenticated {
  /** The verified token, the session's user, or what the application's `validate` made of it. */
  readonly user?: unknown;
  /** The verified access token; only `OidcGuard` sets it. */
  readonly token?: unknown;
}

/** The key of the record on the call. A property costs a fifth of what a `WeakMap` costs, on every request. */
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
 * Records the caller that a guard has verified, and sets `request.user`, where users of Passport expect it. The headers of a
 * guard that refused before are taken back.
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

/** Records the undo of a refusal's headers. Another guard may admit the call all the same. */
export function recordRefusal(call: object, takeBack: () => void): void {
  const earlier = mark(call)[REFUSED];
  mark(call)[REFUSED] = () => {
    takeBack();
    earlier?.();
  };
}

/** Takes back the headers that refusals of this call have set. For a call that is admitted after all. */
export function withdrawRefusal(call: object): void {
  const marked = mark(call);
  if (marked[REFUSED] !== undefined) {
    marked[REFUSED]();
    delete marked[REFUSED];
  }
}

/** Records that a guard looked at nothing. What another guard found before stays. */
export function admitAnonymous(call: object, looked: Authenticated): void {
  mark(call)[FOUND] = { ...looked, ...authenticated(call) };
}

/** The caller that guards found; undefined when none of ours ran. */
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
