/** What our guards found out about a request. A member that stands here, be it `undefined`, was looked for by a guard. */
export interface Authenticated {
  /** The verified token, the session's user, or what the application's `validate` made of it. */
  readonly user?: unknown;
  /** The verified access token; only `OidcGuard` sets it. */
  readonly token?: unknown;
}

/** Where it is recorded. A property of the call itself costs a fifth of what a `WeakMap` does, on every request. */
const FOUND = Symbol('nestjs-oidc');

/** Where the undo of a refusal is kept: it removes the headers that the refusal has set on the answer. */
const REFUSED = Symbol('nestjs-oidc: refused');

/** A call, or the request behind it. */
interface Marked {
  [FOUND]?: Authenticated;
  [REFUSED]?: () => void;
  user?: unknown;
}

/**
 * Records what a guard verified, and takes back what one that refused has set on the answer. Sets `request.user` as well,
 * where Passport's users expect it.
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

/** Records how to take back what a guard's refusal sets on the answer: another guard may admit the call all the same. */
export function recordRefusal(call: object, takeBack: () => void): void {
  const earlier = mark(call)[REFUSED];
  mark(call)[REFUSED] = () => {
    takeBack();
    earlier?.();
  };
}

/** Takes back what refusals of this call set on the answer, now that it is admitted. */
export function withdrawRefusal(call: object): void {
  const marked = mark(call);
  if (marked[REFUSED] !== undefined) {
    marked[REFUSED]();
    delete marked[REFUSED];
  }
}

/** Records that a guard let the call pass without looking, unless another guard already found somebody. */
export function admitAnonymous(call: object, looked: Authenticated): void {
  mark(call)[FOUND] = { ...looked, ...authenticated(call) };
}

/** What the guards found, or `undefined` when none of ours ran. */
export function authenticated(call: object): Authenticated | undefined {
  return mark(call)[FOUND];
}

/** Readers of the caller in tests that replace our guards, by the class of the handler. */
const readers = new WeakMap<object, (request: object) => Authenticated>();

/** Sets where else to look for what no guard of ours recorded; undefined: nowhere. For tests of applications only. */
export function readInstead(controller: object, read: ((request: object) => Authenticated) | undefined): void {
  if (read === undefined) {
    readers.delete(controller);
  } else {
    readers.set(controller, read);
  }
}

/** What a test's guard left on the request; `undefined` where no test replaced a guard. */
export function leftByTest(controller: object, request: object): Authenticated | undefined {
  return readers.get(controller)?.(request);
}

/** Whether the guard of another copy of this package recorded something, which can't be read here. */
export function wasFoundByAnotherCopy(call: object): boolean {
  return Object.getOwnPropertySymbols(call).some((key) => key !== FOUND && key.description === FOUND.description);
}

/** `Reflect` would do the same, fifteen times slower. */
function mark(call: object): Marked {
  return call;
}
