import type { AsymmetricSigningAlgorithm, Configuration } from 'oidc-provider';

const ASYMMETRIC = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const;

const SIGNING = [...ASYMMETRIC, 'HS256', 'HS384', 'HS512'] as const;

const KEY_MANAGEMENT = [
  'RSA-OAEP',
  'RSA-OAEP-256',
  'RSA-OAEP-384',
  'RSA-OAEP-512',
  'ECDH-ES',
  'ECDH-ES+A128KW',
  'ECDH-ES+A192KW',
  'ECDH-ES+A256KW',
  'A128KW',
  'A192KW',
  'A256KW',
  'A128GCMKW',
  'A192GCMKW',
  'A256GCMKW',
  'dir',
] as const;

/** All algorithms that the provider knows: whatever a client registers is taken. */
export const ALGORITHMS: NonNullable<Configuration['enabledJWA']> = {
  clientAuthSigningAlgValues: SIGNING,
  dPoPSigningAlgValues: ASYMMETRIC,
  requestObjectSigningAlgValues: SIGNING,
  idTokenSigningAlgValues: SIGNING,
  userinfoSigningAlgValues: SIGNING,
  introspectionSigningAlgValues: SIGNING,
  authorizationSigningAlgValues: SIGNING,
  requestObjectEncryptionAlgValues: KEY_MANAGEMENT,
  idTokenEncryptionAlgValues: KEY_MANAGEMENT,
  userinfoEncryptionAlgValues: KEY_MANAGEMENT,
  introspectionEncryptionAlgValues: KEY_MANAGEMENT,
  authorizationEncryptionAlgValues: KEY_MANAGEMENT,
};

/** Algorithms that the provider has keys for, whatever the clients register. OpenID providers have to have RS256. */
export const DEFAULT_ALGORITHMS: readonly AsymmetricSigningAlgorithm[] = ['RS256', 'ES256'];

/** An algorithm of JWT access tokens. */
export function accessTokenAlgorithm(name: string): AsymmetricSigningAlgorithm {
  return ASYMMETRIC.find((alg) => alg === name) ?? 'RS256';
}
