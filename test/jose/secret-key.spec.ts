import { expect, it } from '@jest/globals';
import { compactVerify } from 'jose';

import { parseCompactJws } from '../../lib/jose/compact-jws.js';
import { secretKey } from '../../lib/jose/secret-key.js';
import { jws, keyOf } from '../../lib/testing/provider/keys.js';
import { Secret } from '../../lib/values/secret.js';

const SECRET = 'a secret of sixty-four bytes or more, with an umlaut in it: über allen Gipfeln ist Ruh';
const ALGORITHMS = ['HS256', 'HS384', 'HS512'];

const signed = (alg: string, secret = SECRET) => jws({ alg }, { sub: 'alice' }, Buffer.from(secret));
const verify = (jwt: string) => secretKey(new Secret(SECRET)).verify(parseCompactJws(jwt, 8192));

it.each(ALGORITHMS)('the secret, in UTF-8, verifies what it signed by %s', async (alg) => {
  expect(Buffer.from(await verify(signed(alg))).toString()).toBe('{"sub":"alice"}');
  // The test's own signature is right by another implementation too.
  await expect(compactVerify(signed(alg), Buffer.from(SECRET))).resolves.toBeDefined();
});

const [input = ''] = /^.*\.(?=[^.]*$)/.exec(signed('HS256')) ?? [];

it.each<[string, string]>([
  ['of another secret', signed('HS256', `${SECRET}.`)],
  ['of another hash', jws({ alg: 'HS384' }, { sub: 'alice' }, Buffer.from(SECRET), 'HS256')],
  ['of nobody', input],
  ['that is too short', `${input}${signed('HS256').slice(input.length, -3)}`],
  ['that is too long', `${signed('HS256')}AAAA`],
  ['by a key pair', jws({ alg: 'RS256' }, { sub: 'alice' }, keyOf('RSA'))],
  ['by an algorithm that is no HMAC', jws({ alg: 'RS256' }, { sub: 'alice' }, Buffer.from(SECRET), 'HS256')],
  ['by no algorithm', jws({ alg: 'none' }, { sub: 'alice' }, Buffer.from(SECRET), 'HS256')],
  ['by what every object has', jws({ alg: 'constructor' }, { sub: 'alice' }, Buffer.from(SECRET), 'HS256')],
])('the secret does not verify a signature %s', async (_what, jwt) => {
  await expect(verify(jwt)).rejects.toMatchObject({ name: 'VerificationError', code: 'SIGNATURE_INVALID' });
});
