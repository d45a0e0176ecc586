import type { ClientMetadata } from '../../../lib/metadata/client-metadata.js';
import { keyOf, privateJwk, type KeyKind } from '../../../lib/testing/provider/keys.js';

/** Members of metadata or options; undefined ones are left out. */
export type Members = Readonly<Record<string, unknown>>;

/** The private keys of a client, as `jwks`. */
export function clientJwks(...kinds: readonly KeyKind[]): NonNullable<ClientMetadata['jwks']> {
  return JSON.parse(JSON.stringify({ keys: kinds.map((kind) => privateJwk(keyOf(kind, 'client'))) }));
}

/** A registration that keeps each security profile: it has a key, and a response that is signed. */
export function fapiClient(members: Members = {}): ClientMetadata {
  return {
    client_id: 'rp1',
    jwks: clientJwks('P-256'),
    redirect_uris: ['https://app.test/auth/callback'],
    authorization_signed_response_alg: 'ES256',
    ...members,
  };
}
