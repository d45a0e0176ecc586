import { ConfigError } from '../errors/errors.js';
import { DpopKey } from '../jose/dpop-key.js';
import type { ServerMetadata } from '../metadata/server-metadata.js';
import type { Server } from './server.js';

/** Algorithms of DPoP proofs, the preferred first: those with small keys and signatures. */
const ALGORITHMS: readonly string[] = ['ES256', 'EdDSA', 'Ed25519', 'ES384', 'ES512', 'PS256', 'RS256'];

/**
 * The DPoP key that tokens are bound to, where `dpop_bound_access_tokens` is registered.
 *
 * @param known the key of earlier tokens. Default: a new one
 * @throws {ConfigError} the server takes no proof that we can make
 */
export async function boundKey(server: Server, known?: DpopKey): Promise<DpopKey | undefined> {
  return server.client.metadata.dpop_bound_access_tokens === true
    ? (known ?? (await DpopKey.generate(algorithmFor(await server.metadata()))))
    : undefined;
}

function algorithmFor({ dpop_signing_alg_values_supported: supported }: ServerMetadata): string {
  const alg = ALGORITHMS.find((one) => supported?.includes(one) ?? true);
  if (alg === undefined) {
    const problem = 'can not be kept: the server takes no algorithm of proofs that is built';
    throw new ConfigError('INVALID_CONFIG', 'client.dpop_bound_access_tokens', problem);
  }
  return alg;
}
