import { DpopKey, proofAlgorithm } from '../jose/dpop-key.js';
import { toError } from '../metadata/finding.js';
import { NO_PROOF_ALGORITHM } from '../metadata/server-findings.js';
import type { ServerMetadata } from '../metadata/server-metadata.js';
import type { Server } from './server.js';

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

/** @throws {ConfigError} as {@link boundKey} */
function algorithmFor({ dpop_signing_alg_values_supported: supported }: ServerMetadata): string {
  const alg = proofAlgorithm(supported);
  if (alg === undefined) {
    throw toError(NO_PROOF_ALGORITHM);
  }
  return alg;
}
