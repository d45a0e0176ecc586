import { createHmac, createPublicKey, generateKeyPairSync } from 'node:crypto';

import { describe, expect, it } from '@jest/globals';

import { parseCompactJws } from '../../lib/jose/compact-jws.js';
import { RemoteKeys, type JwtOrigin } from '../../lib/jose/remote-keys.js';
import { Transport } from '../../lib/http/transport.js';
import { closeLater, startProvider } from '../support/apps.js';
import type { HostileProvider, Members } from '../support/hostile-provider.js';
import { generateKey, jws, keyOf, type SigningKey } from '../support/keys.js';
import { rejection } from '../support/client.js';

const LIMITS = { timeout: 2000, connectTimeout: 1000, maxResponseSize: 524_288, maxJsonDepth: 32 };

async function keys(): Promise<{
  op: HostileProvider;
  warnings: string[];
  publish(...jwks: Members[]): void;
  verify(jwt: string, origin?: JwtOrigin): Promise<void>;
}> {
  const op = await startProvider();
  const warnings: string[] = [];
  const transport = closeLater(new Transport(LIMITS, op.clock.now));
  const remote = new RemoteKeys(transport, op.url('jwks'), op.clock.now, (problem) => warnings.push(problem));
  return {
    op,
    warnings,
    publish: (...jwks) => op.jwks(() => ({ keys: jwks })),
    verify: async (jwt, origin = 'provider') => remote.from(origin).verify(parseCompactJws(jwt, 65_536)),
  };
}

const RSA = keyOf('RSA');
const EC = keyOf('P-256');
const sign = (alg: string, key: SigningKey, header: Members = { kid: key.kid }) =>
  jws({ alg, ...header }, { sub: 'a' }, key);

describe('a key is found', () => {
  it('JWKS-01 A10 CLOCK-12 that is new, with one more request', async () => {
    const { op, publish, verify } = await keys();
    publish(EC.jwk);
    await verify(sign('ES256', EC));
    publish(EC.jwk, RSA.jwk);
    await verify(sign('RS256', RSA));
    expect(op.count('jwks')).toBe(2);
  });

  it('A11 though all of them were replaced', async () => {
    const { op, verify } = await keys();
    await verify(sign('ES256', op.key('ES256')));
    op.rotate();
    await verify(sign('ES256', op.key('ES256')));
    expect(op.count('jwks')).toBe(2);
  });

  it('A11 though it replaced another of the same kind without a kid', async () => {
    const { op, publish, verify } = await keys();
    const [old, next] = [generateKey('P-256'), generateKey('P-256')];
    const bare = ({ kid: _, ...jwk }: Members) => jwk;
    publish(bare(old.jwk));
    await verify(sign('ES256', old, {}));
    publish(bare(next.jwk));
    await verify(sign('ES256', next, {}));
    expect(op.count('jwks')).toBe(2);
  });

  it.each<[string, Members]>([
    ['A8 JWKS-06 without a kid on either side', {}],
    ['by its kid', { kid: RSA.kid }],
  ])('%s', async (_what, header) => {
    const { publish, verify } = await keys();
    const { kid: _, ...bare } = RSA.jwk;
    publish('kid' in header ? RSA.jwk : bare);
    await verify(sign('RS256', RSA, header));
  });

  it('A7 JWKS-18 among keys that can not be used', async () => {
    const { publish, verify } = await keys();
    publish(
      { kty: 'XYZ' },
      { kty: 'EC' },
      { kty: 'EC', crv: 'secp256k1', x: 'AA', y: 'AA', kid: EC.kid },
      { kty: 'OKP', crv: 'X25519', x: 'AA', kid: EC.kid },
      { kty: 'RSA', kid: EC.kid, n: 5, e: null },
      { ...keyOf('RSA', 'enc').jwk, use: 'enc', kid: EC.kid },
      { ...RSA.jwk, kid: EC.kid },
      EC.jwk,
    );
    await verify(sign('ES256', EC));
  });

  it.each([1, 2, 3, 4])('A9 JWKS-07 without a kid, as number %i of four', async (position) => {
    const { publish, verify } = await keys();
    const four = [1, 2, 3, 4].map(() => generateKey('P-256'));
    publish(...four.map(({ jwk: { kid: _, ...bare } }) => bare));
    await verify(sign('ES256', four[position - 1]!, {}));
  });

  it('JWKS-08 of two with the same kid, whichever it is', async () => {
    const { publish, verify } = await keys();
    const [one, other] = [generateKey('P-256', 'k'), generateKey('P-256', 'k')];
    publish(one.jwk, other.jwk);
    await verify(sign('ES256', one));
    await verify(sign('ES256', other));
  });

  it.each(['application/json', 'application/jwk-set+json', 'Application/JWK-Set+JSON; charset=utf-8'])(
    'JWKS-24 in a set of type %s',
    async (contentType) => {
      const { op, verify } = await keys();
      op.answer('jwks', async (_request, next) => ({ ...(await next()), headers: { 'content-type': contentType } }));
      await verify(sign('ES256', EC));
    },
  );

  it('JWKS-15 beside one whose private half was published, which is not used and told of', async () => {
    const { publish, verify, warnings } = await keys();
    const { d } = RSA.privateKey.export({ format: 'jwk' });
    publish({ ...RSA.jwk, d }, EC.jwk);
    await verify(sign('ES256', EC));
    expect(await rejection(verify(sign('RS256', RSA)))).toMatchObject({ code: 'KEY_NOT_FOUND' });
    expect(warnings[0]).toMatch(/private key/);
    expect(warnings.join()).not.toContain(String(d));
  });
});

describe('no key verifies', () => {
  const short = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const shortKey: SigningKey = {
    kind: 'RSA',
    kid: 'short',
    ...short,
    jwk: { ...short.publicKey.export({ format: 'jwk' }), kid: 'short' },
  };

  it.each<[string, Members, string, string]>([
    ['JWKS-10 one for encryption', { ...EC.jwk, use: 'enc' }, sign('ES256', EC), 'KEY_NOT_FOUND'],
    ['JWKS-11 one that may only encrypt', { ...EC.jwk, key_ops: ['encrypt'] }, sign('ES256', EC), 'KEY_NOT_FOUND'],
    ['JWKS-11 one with odd operations', { ...EC.jwk, key_ops: 'verify' }, sign('ES256', EC), 'KEY_NOT_FOUND'],
    ['JWKS-12 one for another algorithm', { ...EC.jwk, alg: 'ES384' }, sign('ES256', EC), 'KEY_NOT_FOUND'],
    ['JWKS-17 one of 1024 bits', shortKey.jwk, sign('RS256', shortKey), 'KEY_NOT_FOUND'],
    ['one on another curve', keyOf('P-384').jwk, sign('ES256', EC), 'KEY_NOT_FOUND'],
    ['one that did not sign', { ...keyOf('P-256', 'other').jwk, kid: EC.kid }, sign('ES256', EC), 'SIGNATURE_INVALID'],
  ])('%s', async (_what, jwk, jwt, code) => {
    const { publish, verify } = await keys();
    publish(jwk);
    expect(await rejection(verify(jwt))).toMatchObject({ name: 'VerificationError', code });
  });

  it('JWKS-13 a symmetric one that was published', async () => {
    const { publish, verify } = await keys();
    const secret = Buffer.alloc(64, 1);
    publish({ kty: 'oct', k: secret.toString('base64url'), kid: 'k', alg: 'HS256' });
    expect(await rejection(verify(jws({ alg: 'HS256', kid: 'k' }, {}, secret)))).toMatchObject({
      code: 'KEY_NOT_FOUND',
    });
  });

  it.each<[string, Buffer]>([
    ['PEM', Buffer.from(RSA.publicKey.export({ format: 'pem', type: 'spki' }))],
    ['DER', RSA.publicKey.export({ format: 'der', type: 'spki' })],
    ['JSON', Buffer.from(JSON.stringify(RSA.jwk))],
  ])('JWKS-14 the public key as %s, taken for a secret', async (_what, secret) => {
    const { publish, verify } = await keys();
    publish(RSA.jwk);
    expect(createPublicKey(RSA.publicKey.export({ format: 'pem', type: 'spki' })).type).toBe('public');
    expect(createHmac('sha256', secret).digest()).toHaveLength(32);
    const jwt = jws({ alg: 'HS256', kid: RSA.kid }, {}, secret);
    expect(await rejection(verify(jwt))).toMatchObject({ name: 'VerificationError', code: 'KEY_NOT_FOUND' });
  });

  it('JWKS-07 where five could have signed', async () => {
    const { publish, verify } = await keys();
    const five = [1, 2, 3, 4, 5].map(() => generateKey('P-256'));
    publish(...five.map(({ jwk: { kid: _, ...bare } }) => bare));
    expect(await rejection(verify(sign('ES256', five[0]!, {})))).toMatchObject({ code: 'AMBIGUOUS_KEY' });
  });

  it('JWKS-21 of an empty set', async () => {
    const { publish, verify } = await keys();
    publish();
    expect(await rejection(verify(sign('ES256', EC)))).toMatchObject({ code: 'KEY_NOT_FOUND' });
  });

  it('JWKS-05 that was taken out of the set, once its lifetime is over', async () => {
    const { op, publish, verify } = await keys();
    publish(EC.jwk, RSA.jwk);
    await verify(sign('ES256', EC));
    publish(RSA.jwk);
    op.clock.advance(3601);
    expect(await rejection(verify(sign('ES256', EC)))).toMatchObject({ code: 'KEY_NOT_FOUND' });
  });
});

describe('the set', () => {
  it.each<[string, unknown]>([
    ['JWKS-19 an object of keys', { keys: {} }],
    ['JWKS-19 null among the keys', { keys: [null] }],
    ['JWKS-19 no keys', {}],
  ])('is no set: %s; the one before stays', async (_what, body) => {
    const { op, verify } = await keys();
    await verify(sign('ES256', EC));
    op.clock.advance(3601);
    op.answer('jwks', { body: Object(body) });
    await verify(sign('ES256', EC));
    const fresh = await keys();
    fresh.op.answer('jwks', { body: Object(body) });
    expect(await rejection(fresh.verify(sign('ES256', EC)))).toMatchObject({
      name: 'ResponseError',
      code: 'JWKS_INVALID',
    });
  });

  it.each<[string, object, string]>([
    ['JWKS-19 a list', { headers: { 'content-type': 'application/json' }, body: '[]' }, 'INVALID_JSON'],
    ['JWKS-20 of 101 keys', { body: { keys: Array.from({ length: 101 }, () => ({ kty: 'RSA' })) } }, 'TOO_MANY_KEYS'],
    [
      'JWKS-20 with a certificate of 1 MB',
      { body: { keys: [{ ...EC.jwk, x5c: ['x'.repeat(1_000_000)] }] } },
      'RESPONSE_TOO_LARGE',
    ],
    ['JWKS-24 as a page', { headers: { 'content-type': 'text/html' }, body: '{"keys":[]}' }, 'UNEXPECTED_CONTENT_TYPE'],
    ['JWKS-23 somewhere else', { status: 302, headers: { location: 'https://evil.test' } }, 'UNEXPECTED_REDIRECT'],
    ['nowhere', { status: 404, body: '' }, 'UNEXPECTED_STATUS'],
  ])('is refused: %s', async (_what, answer, code) => {
    const { op, verify } = await keys();
    op.answer('jwks', answer);
    expect(await rejection(verify(sign('ES256', EC)))).toMatchObject({ name: 'ResponseError', code });
  });

  it('JWKS-23 leaves no cookie with us', async () => {
    const { op, verify, publish } = await keys();
    op.answer('jwks', async (_request, next) => ({
      ...(await next()),
      headers: { 'content-type': 'application/json', 'set-cookie': 'a=b' },
    }));
    await verify(sign('ES256', EC));
    publish(RSA.jwk);
    await rejection(verify(sign('ES256', generateKey('P-256'))));
    expect(op.requests('jwks').map(({ headers }) => headers.cookie)).toEqual([undefined, undefined]);
  });

  it('JWKS-26 is fetched once for 200 who wait, fails for all of them, and is fetched anew', async () => {
    const { op, verify } = await keys();
    op.answer('jwks', { status: 404 }, { times: 1 });
    const asked = await Promise.allSettled(Array.from({ length: 200 }, () => verify(sign('ES256', EC))));
    expect(new Set(asked.map(({ status }) => status))).toEqual(new Set(['rejected']));
    expect(op.count('jwks')).toBe(1);
    await Promise.all(Array.from({ length: 200 }, () => verify(sign('ES256', EC))));
    expect(op.count('jwks')).toBe(2);
  });

  it('CLOCK-14 CLOCK-16 is renewed ahead of its end, and nobody waits or fails meanwhile', async () => {
    const { op, verify } = await keys();
    await verify(sign('ES256', EC));
    op.clock.advance(500);
    op.answer('jwks', 'hang', { times: 1 });
    await Promise.all(Array.from({ length: 50 }, () => verify(sign('ES256', EC))));
    expect(op.count('jwks')).toBe(2);
  });

  it('JWKS-03 serves for an hour after its lifetime while the server is down, and no longer', async () => {
    const { op, verify } = await keys();
    await verify(sign('ES256', EC));
    op.answer('jwks', { status: 500 });
    op.clock.advance(600 + 3599);
    await verify(sign('ES256', EC));
    op.clock.advance(10);
    expect(await rejection(verify(sign('ES256', EC)))).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
  });
});

describe('what a stranger makes up', () => {
  const unknown = () => sign('ES256', generateKey('P-256'));

  it('JWKS-02 causes one request in 30 seconds, and good tokens are not held up', async () => {
    const { op, verify } = await keys();
    await verify(sign('ES256', EC), 'stranger');
    const flood = await Promise.all(Array.from({ length: 100 }, () => rejection(verify(unknown(), 'stranger'))));
    expect(new Set(flood.map((error) => Object(error).code))).toEqual(new Set(['KEY_NOT_FOUND']));
    await rejection(verify(unknown(), 'stranger'));
    await verify(sign('ES256', EC), 'stranger');
    expect(op.count('jwks')).toBe(2);
    op.clock.advance(30);
    await rejection(verify(unknown(), 'stranger'));
    expect(op.count('jwks')).toBe(3);
  });

  it('JWKS-02 holds back nothing that came from the provider itself', async () => {
    const { op, verify } = await keys();
    await rejection(verify(unknown(), 'stranger'));
    op.rotate({ keepOld: true });
    await verify(sign('ES256', op.key('ES256')), 'provider');
  });

  it('CLOCK-11 is good after the cool-down, when its key was published meanwhile', async () => {
    const { op, verify } = await keys();
    const next = generateKey('P-256');
    await rejection(verify(sign('ES256', next), 'stranger'));
    op.jwks((set) => ({ keys: [...set.keys, next.jwk] }));
    expect(await rejection(verify(sign('ES256', next), 'stranger'))).toMatchObject({ code: 'KEY_NOT_FOUND' });
    op.clock.advance(30);
    await verify(sign('ES256', next), 'stranger');
  });

  it('JWKS-03 is a bad token while the set is young, and an outage later', async () => {
    const { op, verify } = await keys();
    await verify(sign('ES256', EC), 'stranger');
    op.answer('jwks', { status: 500 });
    expect(await rejection(verify(unknown(), 'stranger'))).toMatchObject({ code: 'KEY_NOT_FOUND' });
    op.clock.advance(31);
    expect(await rejection(verify(unknown(), 'stranger'))).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
    await verify(sign('ES256', EC), 'stranger');
  });

  it('without a kid causes no request for each bad signature', async () => {
    const { op, verify } = await keys();
    for (let count = 0; count < 5; count += 1) {
      await rejection(verify(sign('ES256', generateKey('P-256'), {}), 'stranger'));
    }
    expect(op.count('jwks')).toBe(2);
  });
});
