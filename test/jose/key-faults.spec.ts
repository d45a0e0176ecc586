import { describe, expect, it } from '@jest/globals';

import { examinedKeys } from '../../lib/jose/key-faults.js';
import { generateKey } from '../../lib/testing/provider/keys.js';
import type { JsonObject } from '../../lib/values/json.js';

function published(kind: 'RSA' | 'P-256' | 'Ed25519', more: JsonObject = {}): JsonObject {
  const { kty, crv, n, e, x, y } = generateKey(kind).publicKey.export({ format: 'jwk' });
  return { kty, crv, n, e, x, y, kid: 'k1', ...more };
}

describe('the keys of a set', () => {
  it('are for the algorithms of their kinds, or the one that they name', async () => {
    expect(await examinedKeys([published('RSA', { alg: 'PS256' }), published('P-256', { kid: 'k2' })])).toEqual({
      algorithms: ['PS256', 'ES256'],
      forEncryption: 0,
      faults: [],
      repeated: [],
    });
    expect((await examinedKeys([published('Ed25519', { alg: undefined })])).algorithms).toEqual(['EdDSA', 'Ed25519']);
  });

  it('are counted where they are for encryption, and called faulty where they can not be used', async () => {
    const keys = [
      published('RSA', { use: 'enc' }),
      published('RSA', { n: '' }),
      published('P-256', { d: 'AAAA' }),
      published('P-256', { y: 'AAAA' }),
      published('P-256', { kid: 7, crv: 'P-999' }),
    ];
    expect(await examinedKeys(keys)).toEqual({
      algorithms: [],
      forEncryption: 1,
      faults: [
        { kid: 'k1', fault: 'lacks a member that a key of its kind has (RFC 7518, section 6)', isSecret: false },
        { kid: 'k1', fault: 'is one to be kept secret, and everybody can read it here', isSecret: true },
        { kid: 'k1', fault: 'has members that make no key', isSecret: false },
        { kid: undefined, fault: 'is for no algorithm that is taken (kty "EC", crv "P-999")', isSecret: false },
      ],
      repeated: [],
    });
  });

  it('have names of their own', async () => {
    const keys = [published('RSA'), published('P-256'), published('Ed25519', { kid: 'k2' })];
    expect((await examinedKeys(keys)).repeated).toEqual(['k1']);
  });
});
