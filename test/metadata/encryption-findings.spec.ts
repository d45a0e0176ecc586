import { expect, it } from '@jest/globals';

import type { ClientMetadata } from '../../lib/metadata/client-metadata.js';
import { clientFindings, parseClientMetadata } from '../../lib/metadata/registered-client.js';
import { algorithmFindings } from '../../lib/metadata/server-findings.js';
import { keyOf, privateJwk, type Jwk, type KeyKind } from '../../lib/testing/provider/keys.js';

const jwks = (kind: KeyKind, members: Jwk = {}) => ({
  jwks: { keys: [JSON.parse(JSON.stringify(privateJwk(keyOf(kind), { use: 'enc', ...members })))] },
});

const SECRET = { client_secret: 's'.repeat(32) };

const client = (members: object): ClientMetadata => ({ client_id: 'rp1', ...SECRET, ...members });

/** What is wrong with a registration, each with its rule. */
const problems = (members: object) =>
  clientFindings(client(members)).map(({ member, problem, rule }) => `${member} ${problem} (${rule})`);

it.each<[string, object]>([
  ['RSA', { ...jwks('RSA'), id_token_encrypted_response_alg: 'RSA-OAEP-512' }],
  ['ECDH', { ...jwks('P-521'), id_token_encrypted_response_alg: 'ECDH-ES' }],
  ['X25519', { ...jwks('X25519'), id_token_encrypted_response_alg: 'ECDH-ES+A192KW' }],
  ['the secret', { id_token_encrypted_response_alg: 'A256GCMKW', id_token_encrypted_response_enc: 'A256CBC-HS512' }],
  ['the secret alone', { id_token_encrypted_response_alg: 'dir', id_token_encrypted_response_enc: 'A256GCM' }],
  ['an introspection that is signed by default', { ...jwks('RSA'), introspection_encrypted_response_alg: 'RSA-OAEP' }],
])('encryption by %s is good', (_what, members) => {
  expect(problems(members)).toEqual([]);
});

const OWN_KEYS = 'OpenID Connect Core 1.0, section 10.2';
const REGISTRATION = 'OpenID Connect Dynamic Client Registration 1.0, section 2';

it.each<[string, object, string]>([
  [
    'no key',
    { id_token_encrypted_response_alg: 'RSA-OAEP' },
    `client.jwks holds no private key for id_token_encrypted_response_alg RSA-OAEP (${OWN_KEYS})`,
  ],
  [
    'a key for signatures',
    { ...jwks('RSA', { use: 'sig' }), id_token_encrypted_response_alg: 'RSA-OAEP' },
    `client.jwks holds no private key for id_token_encrypted_response_alg RSA-OAEP (${OWN_KEYS})`,
  ],
  [
    'a key for another algorithm',
    { ...jwks('RSA', { alg: 'RSA-OAEP' }), id_token_encrypted_response_alg: 'RSA-OAEP-256' },
    `client.jwks holds no private key for id_token_encrypted_response_alg RSA-OAEP-256 (${OWN_KEYS})`,
  ],
  [
    'a key that signs only',
    { ...jwks('Ed25519', { use: undefined }), introspection_encrypted_response_alg: 'ECDH-ES' },
    `client.jwks holds no private key for introspection_encrypted_response_alg ECDH-ES (${OWN_KEYS})`,
  ],
  [
    'no secret',
    { client_secret: undefined, id_token_encrypted_response_alg: 'A128KW' },
    `client.id_token_encrypted_response_alg needs a client_secret of 16 bytes or more (${OWN_KEYS})`,
  ],
  [
    'a short secret',
    { id_token_encrypted_response_alg: 'dir', id_token_encrypted_response_enc: 'A256CBC-HS512' },
    `client.id_token_encrypted_response_alg needs a client_secret of 64 bytes or more (${OWN_KEYS})`,
  ],
  [
    'a secret that a function makes',
    { client_secret: () => 's'.repeat(32), id_token_encrypted_response_alg: 'A128KW' },
    `client.id_token_encrypted_response_alg needs a client_secret that is text: a function may make another one at any time (${OWN_KEYS})`,
  ],
  [
    'enc without alg',
    { userinfo_encrypted_response_enc: 'A128GCM' },
    `client.userinfo_encrypted_response_enc needs userinfo_encrypted_response_alg (${REGISTRATION})`,
  ],
  [
    'no signature in userinfo',
    { userinfo_encrypted_response_alg: 'A128KW' },
    'client.userinfo_encrypted_response_alg needs userinfo_signed_response_alg: anybody can encrypt, so that what is not signed is not taken (RFC 8725, section 3.3)',
  ],
  [
    'an unsigned ID token',
    { id_token_encrypted_response_alg: 'A128KW', id_token_signed_response_alg: 'none' },
    'client.id_token_encrypted_response_alg needs id_token_signed_response_alg: anybody can encrypt, so that what is not signed is not taken (RFC 8725, section 3.3)',
  ],
])('encryption with %s is found', (_what, members, expected) => {
  expect(problems(members)).toEqual([expected]);
});

it.each(['RSA1_5', 'PBES2-HS256+A128KW', 'PBES2-HS512+A256KW', 'none', 'constructor'])('%s is never taken', (alg) => {
  expect(problems({ id_token_encrypted_response_alg: alg })).toEqual([
    'client.id_token_encrypted_response_alg must be a key management algorithm that is supported; RSA1_5 and PBES2 never are (RFC 7591, section 2)',
  ]);
});

it('finds the algorithms that the server does not list', () => {
  const { metadata } = parseClientMetadata(
    client({
      ...jwks('RSA', { use: undefined }),
      id_token_encrypted_response_alg: 'RSA-OAEP-256',
      introspection_encrypted_response_alg: 'RSA-OAEP-256',
      introspection_encrypted_response_enc: 'A256GCM',
    }),
  );
  const published = {
    id_token_encryption_alg_values_supported: ['RSA-OAEP'],
    id_token_encryption_enc_values_supported: ['A256GCM'],
    introspection_encryption_alg_values_supported: ['RSA-OAEP-256'],
    introspection_encryption_enc_values_supported: ['A128GCM'],
  };
  expect(algorithmFindings(metadata, {})).toEqual([]);
  expect(algorithmFindings(metadata, published).map(({ member, rule }) => [member, rule])).toEqual([
    ['client.id_token_encrypted_response_alg', REGISTRATION],
    ['client.id_token_encrypted_response_enc', REGISTRATION],
    ['client.introspection_encrypted_response_enc', 'RFC 9701, section 6'],
  ]);
});
