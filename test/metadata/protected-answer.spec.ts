import { describe, expect, it } from '@jest/globals';

import {
  allowedAlgorithms,
  PROTECTED_ANSWERS,
  registeredEncryption,
  requiredProtection,
  type SignedAnswerName,
} from '../../lib/metadata/protected-answer.js';

const NAMES: readonly SignedAnswerName[] = ['id_token', 'userinfo', 'introspection', 'authorization'];

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
    expect(requiredProtection(name, registered)).toBe('signed');
  });

  it('has to be encrypted where that is registered, by A128CBC-HS256 if nothing else is', () => {
    const alg = { [`${name}_encrypted_response_alg`]: 'dir' };
    const enc = { [`${name}_encrypted_response_enc`]: 'A256GCM' };
    const registeredFor = (client: object) => registeredEncryption(PROTECTED_ANSWERS[name], client);
    expect(requiredProtection(name, { ...registered, ...alg })).toBe('encrypted');
    expect(registeredFor(alg)).toEqual({ alg: 'dir', enc: 'A128CBC-HS256' });
    expect(registeredFor({ ...alg, ...enc })).toEqual({ alg: 'dir', enc: 'A256GCM' });
    expect([registeredFor(registered), registeredFor(enc)]).toEqual([undefined, undefined]);
  });
});

it.each<[SignedAnswerName, readonly string[], 'signed' | undefined]>([
  ['id_token', ['RS256'], 'signed'],
  ['userinfo', [], undefined],
  ['introspection', ['RS256'], undefined],
  ['authorization', ['RS256'], undefined],
])('%s where neither side says anything: %j, %p', (name, algorithms, required) => {
  expect(allowedAlgorithms(name, {}, {})).toEqual(algorithms);
  expect(requiredProtection(name, {})).toBe(required);
});
