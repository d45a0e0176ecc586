import { isWithin } from '../clock/clock.js';
import { realWait } from '../clock/wait.js';
import type { OidcErrorCode } from '../errors/codes.js';
import { StoreError } from '../errors/errors.js';
import { OidcError } from '../errors/oidc.error.js';
import type { OidcStore } from '../storage/oidc-store.js';

/** Milliseconds after which a store that has not answered is asked again. Until then it has one call to answer. */
const ASKED_AGAIN = 60_000;

interface Call {
  readonly at: number;
  readonly answer: Promise<unknown>;
}

/** Calls that a store has not answered yet: a store that hangs keeps each of them. */
const open = new WeakMap<OidcStore, Call>();

/**
 * Asks a store whether it answers. A store of the application may have no time-out of its own.
 *
 * @param now milliseconds since the epoch
 * @param timeout milliseconds until it has to answer
 * @returns the code of what is wrong; undefined: it answers
 */
export async function storeFault(store: OidcStore, now: number, timeout: number): Promise<OidcErrorCode | undefined> {
  const answered = new AbortController();
  try {
    await Promise.race([answerOf(store, now), late(timeout, answered.signal)]);
    return undefined;
  } catch (error) {
    return error instanceof OidcError ? error.code : 'STORE_UNAVAILABLE';
  } finally {
    answered.abort();
  }
}

async function late(timeout: number, signal: AbortSignal): Promise<never> {
  await realWait(timeout, signal);
  throw new StoreError('STORE_TIMEOUT', 'The store did not answer in time.');
}

/** The answer that is awaited already, or that of a new call. */
function answerOf(store: OidcStore, now: number): Promise<unknown> {
  const known = open.get(store);
  if (known !== undefined && isWithin(now, known.at, ASKED_AGAIN)) {
    return known.answer;
  }
  const call = { at: now, answer: ask(store) };
  open.set(store, call);
  const end = (): void => {
    if (open.get(store) === call) {
      open.delete(store);
    }
  };
  call.answer.then(end, end);
  return call.answer;
}

async function ask(store: OidcStore): Promise<unknown> {
  return store.get('health');
}
