import { exportJWK, generateKeyPair, type JWK } from 'jose';

/**
 * Private keys of the provider: one for each algorithm, made when a client first needs it. They are in memory alone, so
 * that nothing that was signed before a restart is good after it.
 */
export class ProviderKeys {
  readonly #made = new Map<string, Promise<JWK>>();

  /** The keys of some algorithms, of signatures or of encryption. */
  of(algorithms: readonly string[]): Promise<JWK[]> {
    return Promise.all([...new Set(algorithms)].map((alg) => this.#keyOf(alg)));
  }

  #keyOf(alg: string): Promise<JWK> {
    const key = this.#made.get(alg) ?? makeKey(alg);
    this.#made.set(alg, key);
    return key;
  }
}

async function makeKey(alg: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return { ...(await exportJWK(privateKey)), alg, use: /^(RSA|ECDH)-/.test(alg) ? 'enc' : 'sig' };
}
