import type { Awaitable } from '../values/awaitable.js';
import type { VerificationKey } from './compact-jws.js';

/**
 * Imports a key at its first use, once for each algorithm.
 *
 * @param load imports it for an algorithm
 * @returns the key, at hand once it is imported; undefined where it can't be imported for the algorithm
 */
export function importOnce(
  load: (alg: string) => Promise<VerificationKey>,
): (alg: string) => Awaitable<VerificationKey | undefined> {
  const imported = new Map<string, Awaitable<VerificationKey | undefined>>();
  const start = async (alg: string): Promise<VerificationKey | undefined> => {
    const key = await load(alg).catch(() => undefined);
    imported.set(alg, key);
    return key;
  };
  return (alg) => {
    if (!imported.has(alg)) {
      imported.set(alg, start(alg));
    }
    return imported.get(alg);
  };
}
