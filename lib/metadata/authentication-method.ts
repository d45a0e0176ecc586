import { ConfigError } from '../errors/errors.js';
import { isAsymmetric, isSymmetric } from '../jose/algorithms.js';
import { signingKey, type OwnKey } from '../jose/own-keys.js';
import type { Secret } from '../values/secret.js';
import type { ClientAuthenticationMethod, ClientMetadata } from './client-metadata.js';
import type { ParsedClientMetadata } from './client-metadata.schema.js';

/** The members that say how the client authenticates, an endpoint each. */
export const METHOD_MEMBERS = [
  'token_endpoint_auth_method',
  'introspection_endpoint_auth_method',
  'revocation_endpoint_auth_method',
] as const;

/** OpenID Connect Core 1.0, section 9, where there is a secret; else what there is. */
export function defaultMethod(secret: Secret | undefined, keys: readonly OwnKey[]): ClientAuthenticationMethod {
  if (secret !== undefined) {
    return 'client_secret_basic';
  }
  return signingKey(keys) === undefined ? 'none' : 'private_key_jwt';
}

/** @throws {ConfigError} a method lacks what it authenticates with */
export function requireCredentials(
  metadata: ParsedClientMetadata,
  keys: readonly OwnKey[],
  client: ClientMetadata,
): void {
  const alg = metadata.token_endpoint_auth_signing_alg;
  for (const member of METHOD_MEMBERS) {
    const method = metadata[member];
    if (method.startsWith('client_secret_') && metadata.client_secret === undefined) {
      const problem = isUnset(client) ? `${UNSET}, and required by` : 'is required by';
      throw new ConfigError('INVALID_CONFIG', 'client.client_secret', `${problem} ${member} ${method}`);
    }
    if (method === 'private_key_jwt' && signingKey(keys, alg) === undefined) {
      throw new ConfigError('INVALID_CONFIG', 'client.jwks', `holds no private key for ${member} ${method}`);
    }
    const fits = method === 'client_secret_jwt' ? isSymmetric : method === 'private_key_jwt' ? isAsymmetric : undefined;
    if (fits !== undefined && alg !== undefined && !fits(alg)) {
      throw new ConfigError('INVALID_CONFIG', 'client.token_endpoint_auth_signing_alg', `does not fit ${method}`);
    }
  }
}

/** Why a client has nothing to authenticate with at the introspection endpoint. */
export interface WithoutCredentials {
  /** What is to blame: the method that was chosen, or else what is not there to choose another by. */
  readonly member: string;
  readonly problem: string;
  /** Whether `none` was written out for this endpoint and no other. */
  readonly isIntended: boolean;
}

export function withoutCredentials(client: ClientMetadata): WithoutCredentials {
  const members = ['introspection_endpoint_auth_method', 'token_endpoint_auth_method'] as const;
  const chosen = members.find((member) => client[member] === 'none');
  const missing = isUnset(client) ? UNSET : 'is missing, and client.jwks holds no private key to sign with';
  const problem = chosen === undefined ? missing : 'must not be none';
  const why = 'introspection needs a client that authenticates (RFC 7662, section 2.1)';
  const isIntended = chosen === 'introspection_endpoint_auth_method';
  const cure = isIntended ? '; one that takes anybody has to be named in server.introspection_endpoint' : '';
  return { member: `client.${chosen ?? 'client_secret'}`, problem: `${problem}: ${why}${cure}`, isIntended };
}

const UNSET = 'is undefined, like an environment variable that is not set';

/** Somebody meant to register a secret. */
function isUnset(client: ClientMetadata): boolean {
  return 'client_secret' in client && client.client_secret === undefined;
}
