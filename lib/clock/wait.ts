import { setTimeout } from 'node:timers/promises';

/**
 * Waits for so many milliseconds. Where it is aborted meanwhile it rejects with the reason of the signal.
 */
export type Wait = (milliseconds: number, signal?: AbortSignal) => Promise<void>;

/** What a timer of Node can hold. It would end a longer one at once. */
const LONGEST = 2 ** 31 - 1;

/** Waits in real time. */
export const realWait: Wait = async (milliseconds, signal) => {
  try {
    await setTimeout(Math.min(milliseconds, LONGEST), undefined, { signal });
  } catch (error) {
    // The timer rejects with an error of its own.
    signal?.throwIfAborted();
    throw error;
  }
};
