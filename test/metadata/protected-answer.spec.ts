import { describe, expect, it } from '@jest/globals';

import type { ClientMetadata } from '../../lib/metadata/client-metadata.js';
import { allowedAlgorithms, requiresSignature, type SignedAnswerName } from '../../lib/metadata/protected-answer.js';
import { parseClientMetadata } from '../../lib/metadata/registered-client.js';

const NAMES: readonly SignedAnswerName[] = ['id_token', 'userinfo', 'introspection'];

it.each([
  'id_token_encrypted_response_alg',
  'id_token_encrypted_response_enc',
  'userinfo_encrypted_response_alg',
  'userinfo_encrypted_response_enc',
  'introspection_encrypted_response_alg',
  'introspection_encrypted_response_enc',
  'authorization_signed_response_alg',
  'authorization_encrypted_response_alg',
  'authorization_encrypted_response_enc',
])('%s promises what is not built', (member) => {
  const client: ClientMetadata = { client_id: 'rp1', [member]: 'any' };
  expect(() => parseClientMetadata(client)).toThrow(`client.${member}: promises a protection that is not built yet`);
});

describe.each(NAMES)('%s', (name) => {
  const registered = { [`${name}_signed_response_alg`]: 'ES256' };
  const published = { [`${name}_signing_alg_values_supported`]: ['none', 'HS256', 'PS256', 'ES256'] };

  it('is signed with the registered algorithm and no other', () => {
    expect(allowedAlgorithms(name, registered, published)).toEqual(['ES256']);
  });

  it('is signed with what the server publishes, without none and HS*', () => {
    expect(allowedAlgorithms(name, {}, published)).toEqual(['PS256', 'ES256']);
  });

  it('is signed with nothing where the server publishes nothing that is good', () => {
    expect(allowedAlgorithms(name, {}, { [`${name}_signing_alg_values_supported`]: ['none'] })).toEqual([]);
  });

  it('has to be signed where that is registered', () => {
    expect(requiresSignature(name, registered)).toBe(true);
  });
});

it.each<[SignedAnswerName, readonly string[], boolean]>([
  ['id_token', ['RS256'], true],
  ['userinfo', [], false],
  ['introspection', ['RS256'], false],
])('%s where neither side says anything: %j, signed: %p', (name, algorithms, isRequired) => {
  expect(allowedAlgorithms(name, {}, {})).toEqual(algorithms);
  expect(requiresSignature(name, {})).toBe(isRequired);
});
