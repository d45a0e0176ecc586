import { ConfigError } from '../errors/errors.js';
import { isSymmetric } from '../jose/algorithms.js';
import { signingKey, signJwt, unsignedJwt } from '../jose/own-keys.js';
import type { RegisteredClient } from '../metadata/registered-client.js';
import type { JsonObject } from '../values/json.js';

/** Signs a JWT of the client. */
export type ClientSignature = (claims: JsonObject) => Promise<string>;

/**
 * The client's signature: of one of its private keys, or of its secret where the algorithm is an HMAC.
 *
 * @param alg undefined: what a private key is made for. `none`: there is no signature
 * @param typ of the JWT; undefined: it has none
 * @param allowed the algorithms that may be chosen for a private key. Default: any
 * @throws {ConfigError} the client has nothing to sign with
 */
export function clientSignature(
  client: RegisteredClient,
  alg: string | undefined,
  typ?: string,
  allowed?: readonly string[],
): ClientSignature {
  const type = typ === undefined ? {} : { typ };
  if (alg === 'none') {
    return async (claims) => unsignedJwt(claims);
  }
  if (alg !== undefined && isSymmetric(alg)) {
    const secret = client.metadata.client_secret;
    if (secret === undefined) {
      throw new ConfigError('INVALID_CONFIG', 'client.client_secret', 'is required by the registered algorithm');
    }
    const key = new TextEncoder().encode(secret.reveal());
    return (claims) => signJwt(claims, { alg, ...type }, key);
  }
  const chosen = signingKey(client.keys, alg, allowed);
  if (chosen === undefined) {
    throw new ConfigError('INVALID_CONFIG', 'client.jwks', 'holds no private key to sign with');
  }
  const { key } = chosen;
  return (claims) => signJwt(claims, { alg: chosen.alg, kid: key.kid, ...type }, key.key);
}
