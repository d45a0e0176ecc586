import type { VerificationKey } from './compact-jws.js';

/**
 * Imports a key at its first use, once for each algorithm.
 *
 * @param load imports it for an algorithm
 * @returns the key; undefined where it can't be imported for the algorithm
 */
export function importOnce(
  load: (alg: string) => Promise<VerificationKey>,
): (alg: string) => Promise<VerificationKey | undefined> {
  const imported = new Map<string, Promise<VerificationKey | undefined>>();
  return (alg) => {
    const key = imported.get(alg) ?? load(alg).catch(() => undefined);
    imported.set(alg, key);
    return key;
  };
}
