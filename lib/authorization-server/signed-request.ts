import { randomUUID } from 'node:crypto';

import { ConfigError } from '../errors/errors.js';
import type { JsonObject } from '../values/json.js';
import type { AuthenticationContext } from './client-authentication.js';
import { clientSignature } from './client-signature.js';

/** Claims of the JWT itself. A parameter of such a name would be one of them. */
const CLAIMS: readonly string[] = ['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti'];

/** The form of a signed request. */
export interface SignedRequestForm {
  /** Undefined: what a private key is made for. */
  readonly alg: string | undefined;
  /** Undefined: it has no `typ`. */
  readonly typ?: string;
  /** Seconds. */
  readonly lifetime: number;
}

/**
 * Parameters of a request as a signed JWT (RFC 9101, section 4; CIBA Core 1.0, section 7.1.1). It has no `sub`, so that it is
 * never a client assertion (RFC 9101, section 10.8).
 *
 * @throws {ConfigError} a parameter has the name of a claim, or the client has nothing to sign with
 */
export async function signedRequest(
  { client, clock, issuer }: AuthenticationContext,
  parameters: JsonObject,
  { alg, typ, lifetime }: SignedRequestForm,
): Promise<string> {
  const taken = CLAIMS.find((name) => parameters[name] !== undefined);
  if (taken !== undefined) {
    throw new ConfigError('INVALID_CONFIG', `parameters.${taken}`, 'is a claim of the signed request itself');
  }
  const sign = clientSignature(client, alg, typ);
  const iat = Math.floor(clock.seconds());
  const iss = client.metadata.client_id;
  return sign({ ...parameters, iss, aud: issuer, iat, nbf: iat, exp: iat + lifetime, jti: randomUUID() });
}
