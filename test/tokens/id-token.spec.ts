import { generateKeyPairSync, sign } from 'node:crypto';

import { describe, expect, it } from '@jest/globals';

import type { ClientMetadata } from '../../lib/metadata/client-metadata.js';
import { keyOf } from '../../lib/testing/provider/keys.js';
import { clientOf, loginWith, rejection } from '../support/client/client.js';
import type { JwtFault } from '../support/provider/hostile-provider.js';
import { CLIENT_SECRET, startProvider } from '../support/provider/provider.js';

/** One login whose ID token is made wrong; userinfo is wanted and must not be asked. */
async function loginAt(fault: JwtFault, metadata: Partial<ClientMetadata> = {}) {
  const op = await startProvider();
  op.idToken(fault);
  // The provider itself signs for everybody; what is sent unsigned is the fault's work.
  const isUnsigned = metadata.id_token_signed_response_alg === 'none';
  const { oidc } = clientOf(op, { metadata, registered: isUnsigned ? REGISTERED('RS256') : {} });
  const result = await loginWith(oidc, op, { callback: { userinfo: true } }).then(
    ({ idToken }) => idToken.sub,
    (error: unknown) => error,
  );
  return { op, result };
}

async function expectRefused(fault: JwtFault, code: string, metadata?: Partial<ClientMetadata>): Promise<void> {
  const { op, result } = await loginAt(fault, metadata);
  expect(result).toMatchObject({ name: 'VerificationError', code });
  expect([op.count('token'), op.count('userinfo')]).toEqual([1, 0]);
}

async function expectAccepted(fault: JwtFault, metadata?: Partial<ClientMetadata>): Promise<void> {
  const { op, result } = await loginAt(fault, metadata);
  expect(result).toBe('alice');
  expect([op.count('token'), op.count('userinfo')]).toEqual([1, 1]);
}

const ALGORITHMS = [
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
];
const REGISTERED = (alg: string) => ({ id_token_signed_response_alg: alg });

const b64 = (value: string | Uint8Array) => Buffer.from(value).toString('base64url');
const signatureOf = (jwt: string) => Buffer.from(jwt.split('.')[2] ?? '', 'base64url');
const withSignature = (change: (signature: Buffer) => Uint8Array) => (jwt: string) =>
  `${jwt.slice(0, jwt.lastIndexOf('.'))}.${b64(change(signatureOf(jwt)))}`;

/** A bit in the middle of the signature. */
const corrupted = withSignature((signature) => {
  const index = signature.length >> 1;
  return signature.map((byte, at) => (at === index ? byte ^ 1 : byte));
});

/** Sends a header that is written as it is, over the same claims. */
const rawHeader = (json: string) => (jwt: string) => `${b64(json)}.${jwt.split('.')[1]}.${jwt.split('.')[2]}`;

/** SEQUENCE of two INTEGERs, as OpenSSL writes a signature. */
const der = withSignature((signature) => {
  const half = signature.length / 2;
  const integer = (value: Buffer) => Buffer.concat([Buffer.from([2, half + 1, 0]), value]);
  const body = Buffer.concat([integer(signature.subarray(0, half)), integer(signature.subarray(half))]);
  return Buffer.concat([Buffer.from([0x30, body.length]), body]);
});

describe('the signature of an ID token', () => {
  it.each([...ALGORITHMS, 'HS256', 'HS384', 'HS512'])('D21 by %s is believed where it is registered', (alg) =>
    expectAccepted({}, REGISTERED(alg)),
  );

  it.each([...ALGORITHMS, 'HS256', 'HS384', 'HS512'])('D15 D16 D17 by %s is refused when corrupted', (alg) =>
    expectRefused({ sign: corrupted }, 'SIGNATURE_INVALID', REGISTERED(alg)),
  );

  it.each(['RS256', 'PS256', 'ES256', 'EdDSA', 'HS256'])('IDT-02 by %s is refused when stripped', (alg) =>
    expectRefused({ sign: 'none' }, 'SIGNATURE_INVALID', REGISTERED(alg)),
  );

  it.each(['RS256', 'PS256', 'ES256', 'EdDSA', 'HS256'])('IDT-03 by %s is refused from somebody else', (alg) =>
    expectRefused({ sign: 'stranger' }, 'SIGNATURE_INVALID', REGISTERED(alg)),
  );

  it.each<[string, (jwt: string) => string]>([
    ['IDT-04 of zeros', withSignature((signature) => Buffer.alloc(signature.length))],
    ['IDT-05 in DER', der],
    ['IDT-05 of 63 bytes', withSignature((signature) => signature.subarray(0, 63))],
    ['IDT-05 of 65 bytes', withSignature((signature) => Buffer.concat([signature, Buffer.alloc(1)]))],
    ['IDT-05 of no bytes', withSignature(() => Buffer.alloc(0))],
  ])('%s is refused where ES256 is registered', (_what, change) =>
    expectRefused({ sign: change }, 'SIGNATURE_INVALID', REGISTERED('ES256')),
  );
});

describe('the algorithm of an ID token', () => {
  it.each<[string, string, JwtFault]>([
    ['IDT-08 HS256 for RS256', 'RS256', { header: () => ({ alg: 'HS256' }) }],
    ['IDT-08 HS256 for ES256', 'ES256', { header: () => ({ alg: 'HS256' }) }],
    ['IDT-10 PS256 for RS256', 'RS256', { header: (h) => ({ ...h, alg: 'PS256' }) }],
    ['D19 RS256 for PS256', 'PS256', { header: (h) => ({ ...h, alg: 'RS256' }) }],
    ['D19 RS256 for ES256', 'ES256', { header: () => ({ alg: 'RS256', kid: 'rsa-1' }) }],
    ['ES256 for HS256', 'HS256', { header: () => ({ alg: 'ES256', kid: 'p-256-1' }) }],
    ['D18 none for RS256', 'RS256', { header: () => ({ alg: 'none' }), sign: 'none' }],
    ['D18 none for HS256', 'HS256', { header: () => ({ alg: 'none' }), sign: 'none' }],
    ['none with a signature', 'RS256', { header: () => ({ alg: 'none' }), signedBy: 'RS256' }],
    ['None', 'RS256', { header: () => ({ alg: 'None' }), sign: 'none' }],
    ['rs256', 'RS256', { header: (h) => ({ ...h, alg: 'rs256' }) }],
    ['no name', 'RS256', { header: (h) => ({ ...h, alg: '' }) }],
    ['a name of every object', 'RS256', { header: (h) => ({ ...h, alg: 'constructor' }) }],
    ['RS256 for none', 'none', { header: () => ({ alg: 'RS256', kid: 'rsa-1' }) }],
  ])('%s is refused', (_what, alg, fault) => expectRefused(fault, 'ALG_NOT_ALLOWED', REGISTERED(alg)));

  it.each<[string, JwtFault]>([
    ['HS256 with the secret', { header: () => ({ alg: 'HS256' }) }],
    ['none', { header: () => ({ alg: 'none' }), sign: 'none' }],
  ])('%s is refused where nothing is registered, whatever the server lists', async (_what, fault) => {
    const op = await startProvider();
    op.discovery((document) => ({ ...document, id_token_signing_alg_values_supported: ['HS256', 'none', 'RS256'] }));
    op.idToken(fault);
    const { oidc } = clientOf(op);
    await expect(loginWith(oidc, op)).rejects.toMatchObject({ code: 'ALG_NOT_ALLOWED' });
    op.reset();
    op.discovery((document) => ({ ...document, id_token_signing_alg_values_supported: ['HS256', 'none', 'RS256'] }));
    await expect(loginWith(oidc, op)).resolves.toMatchObject({ idToken: { sub: 'alice' } });
  });

  it.each<[published: readonly string[] | undefined, alg: string]>([
    [undefined, 'ES256'],
    [['RS256'], 'ES256'],
    [['HS256', 'none'], 'RS256'],
    [[], 'RS256'],
  ])('with %j published and nothing registered, %s is refused', async (published, alg) => {
    const op = await startProvider();
    op.discovery((document) => ({ ...document, id_token_signing_alg_values_supported: published }));
    const { oidc } = clientOf(op, { registered: REGISTERED(alg) });
    await expect(loginWith(oidc, op)).rejects.toMatchObject({ code: 'ALG_NOT_ALLOWED' });
  });

  it('is RS256 where neither side says anything', async () => {
    const op = await startProvider();
    op.discovery(({ id_token_signing_alg_values_supported: _, ...document }) => document);
    const { oidc } = clientOf(op);
    await expect(loginWith(oidc, op)).resolves.toMatchObject({ idToken: { sub: 'alice' } });
  });

  it('D20 none is believed where it is registered, without any key', async () => {
    const { op, result } = await loginAt({ header: () => ({ alg: 'none' }), sign: 'none' }, REGISTERED('none'));
    expect(result).toBe('alice');
    expect(op.count('jwks')).toBe(0);
  });

  it('D20 none is refused with a signature', () =>
    expectRefused({ header: () => ({ alg: 'none' }), signedBy: 'RS256', sign: keyOf('RSA') }, 'SIGNATURE_INVALID', {
      id_token_signed_response_alg: 'none',
    }));

  it.each<[string, string, string]>([
    ['HS256', 'x'.repeat(31), '32'],
    ['HS384', 'x'.repeat(47), '48'],
    ['HS512', 'x'.repeat(63), '64'],
  ])('IDT-09 %s needs a longer secret than this', async (alg, client_secret, bytes) => {
    const op = await startProvider();
    expect(() => clientOf(op, { metadata: { client_secret, ...REGISTERED(alg) } })).toThrow(
      `client.id_token_signed_response_alg: needs a client_secret of ${bytes} bytes or more`,
    );
  });
});

describe('the form of an ID token', () => {
  const events = { 'http://schemas.openid.net/event/backchannel-logout': {} };
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwk = pair.publicKey.export({ format: 'jwk' });
  const stranger = { kind: 'RSA', kid: 'rsa-1', ...pair, jwk } as const;

  it.each<[string, JwtFault, string]>([
    ['IDT-37 a logout token', { claims: ({ nonce: _, ...c }) => ({ ...c, events }) }, 'UNEXPECTED_CLAIM'],
    ['IDT-37 of type logout+jwt', { header: (h) => ({ ...h, typ: 'logout+jwt' }) }, 'TYP_MISMATCH'],
    ['IDT-38 of type at+jwt', { header: (h) => ({ ...h, typ: 'at+jwt' }) }, 'TYP_MISMATCH'],
    ['IDT-38 of type application/at+JWT', { header: (h) => ({ ...h, typ: 'application/at+JWT' }) }, 'TYP_MISMATCH'],
    [
      'IDT-39 of type token-introspection+jwt',
      { header: (h) => ({ ...h, typ: 'token-introspection+jwt' }) },
      'TYP_MISMATCH',
    ],
    [
      'IDT-39 an introspection',
      { claims: (c) => ({ ...c, token_introspection: { active: true } }) },
      'UNEXPECTED_CLAIM',
    ],
    [
      'IDT-39 an authorization response',
      { claims: ({ iss, aud, exp }) => ({ iss, aud, exp, code: 'x', state: 'y' }) },
      'CLAIM_MISSING',
    ],
    [
      'IDT-39 a userinfo response',
      { claims: ({ iss, aud, sub }) => ({ iss, aud, sub, name: 'Alice' }) },
      'CLAIM_MISSING',
    ],
    ['of type null', { header: (h) => ({ ...h, typ: null }) }, 'TYP_MISMATCH'],
    ['of an empty type', { header: (h) => ({ ...h, typ: '' }) }, 'TYP_MISMATCH'],
    ['IDT-41 crit unknown', { header: (h) => ({ ...h, crit: ['x'], x: 1 }) }, 'UNSUPPORTED_CRIT'],
    ['IDT-41 crit empty', { header: (h) => ({ ...h, crit: [] }) }, 'UNSUPPORTED_CRIT'],
    ['IDT-41 crit of a claim', { header: (h) => ({ ...h, crit: ['exp'] }) }, 'UNSUPPORTED_CRIT'],
    [
      'IDT-42 detached',
      { header: (h) => ({ ...h, crit: ['b64'], b64: false }), sign: (jwt) => jwt.replace(/\..*\./, '..') },
      'JWT_MALFORMED',
    ],
    ['IDT-42 unencoded', { header: (h) => ({ ...h, crit: ['b64'], b64: false }) }, 'UNSUPPORTED_CRIT'],
    ['IDT-42 b64 without crit', { header: (h) => ({ ...h, b64: true }) }, 'UNSUPPORTED_CRIT'],
    [
      'IDT-43 none, then RS256, unsigned',
      { sign: (jwt) => rawHeader('{"alg":"none","alg":"RS256","kid":"rsa-1"}')(jwt).replace(/[^.]*$/, '') },
      'SIGNATURE_INVALID',
    ],
    [
      'IDT-43 RS256, then none, unsigned',
      { sign: (jwt) => rawHeader('{"alg":"RS256","alg":"none"}')(jwt).replace(/[^.]*$/, '') },
      'ALG_NOT_ALLOWED',
    ],
    ['IDT-45 encrypted', { sign: (jwt) => `${jwt}.${b64('tag')}.${b64('x')}` }, 'UNEXPECTED_JWE'],
    [
      'IDT-45 encrypted, with an empty key',
      { sign: () => `${b64('{"alg":"dir","enc":"A128GCM"}')}..aXY.Y2lwaGVy.dGFn` },
      'UNEXPECTED_JWE',
    ],
    ['IDT-52 of one part', { sign: () => 'opaque' }, 'JWT_MALFORMED'],
    ['IDT-52 of two parts', { sign: (jwt) => jwt.replace(/\.[^.]*$/, '') }, 'JWT_MALFORMED'],
    ['IDT-52 of four parts', { sign: (jwt) => `${jwt}.x` }, 'JWT_MALFORMED'],
    ['IDT-52 of six parts', { sign: (jwt) => `${jwt}.x.x.x` }, 'JWT_MALFORMED'],
    ['IDT-52 of a thousand parts', { sign: (jwt) => jwt + '.x'.repeat(1000) }, 'JWT_MALFORMED'],
    ['IDT-52 with a dot at its end', { sign: (jwt) => `${jwt}.` }, 'JWT_MALFORMED'],
    ['IDT-53 that claims a string', { claims: () => '"x"' }, 'JWT_MALFORMED'],
    ['IDT-53 that claims a list', { claims: () => '[]' }, 'JWT_MALFORMED'],
    ['IDT-53 that claims null', { claims: () => 'null' }, 'JWT_MALFORMED'],
    ['IDT-53 that claims no JSON', { claims: () => '{"sub":' }, 'JWT_MALFORMED'],
    ['IDT-54 of more than 64 KiB', { claims: (c) => ({ ...c, x: 'x'.repeat(50_000) }) }, 'JWT_TOO_LARGE'],
    ['of nested claims', { claims: () => `{"x":${'['.repeat(10_000)}${']'.repeat(10_000)}}` }, 'JWT_MALFORMED'],
    [
      'of 300 claims',
      { claims: (c) => ({ ...c, ...Object.fromEntries(Array.from({ length: 300 }, (_, n) => [n, n])) }) },
      'JWT_MALFORMED',
    ],
    ['with a kid that is a number', { header: (h) => ({ ...h, kid: 1 }) }, 'JWT_MALFORMED'],
    ['without alg', { header: ({ alg: _, ...h }) => h }, 'JWT_MALFORMED'],
    ['whose header is a list', { sign: rawHeader('[]') }, 'JWT_MALFORMED'],
    ['whose header is no JSON', { sign: rawHeader('{') }, 'JWT_MALFORMED'],
    [
      'whose header is no UTF-8',
      { sign: (jwt) => b64(Buffer.of(0x7b, 0xff, 0x7d)) + jwt.slice(jwt.indexOf('.')) },
      'JWT_MALFORMED',
    ],
    ['JWKS-22 with a key in it', { sign: stranger, header: (h) => ({ ...h, jwk }) }, 'SIGNATURE_INVALID'],
    [
      'JWKS-22 with a key in it, and its name',
      { sign: stranger, header: (h) => ({ ...h, jwk, kid: 'mine' }) },
      'KEY_NOT_FOUND',
    ],
    [
      'JWKS-22 with the place of a key',
      {
        sign: stranger,
        header: (h) => ({ ...h, kid: 'mine', jku: 'https://evil.test/k', x5u: 'https://evil.test/k' }),
      },
      'KEY_NOT_FOUND',
    ],
    [
      'JWKS-22 with a certificate',
      { sign: stranger, header: (h) => ({ ...h, kid: 'mine', x5c: ['MIIB'] }) },
      'KEY_NOT_FOUND',
    ],
  ])('%s is refused', (_what, fault, code) => expectRefused(fault, code));

  it('IDT-53 that claims something else than UTF-8 is refused', () => {
    const bytes = Buffer.concat([Buffer.from('{"sub":"'), Buffer.of(0xff), Buffer.from('"}')]);
    const invalid = (jwt: string) => `${jwt.split('.')[0]}.${b64(bytes)}.`;
    return expectRefused({ sign: invalid, header: () => ({ alg: 'none' }) }, 'JWT_MALFORMED', REGISTERED('none'));
  });

  it('IDT-43 none, then RS256, is RS256', () =>
    expectAccepted({
      sign: (jwt) => {
        const input = `${b64('{"alg":"none","alg":"RS256","kid":"rsa-1"}')}.${jwt.split('.')[1]}`;
        return `${input}.${b64(sign('sha256', Buffer.from(input), keyOf('RSA').privateKey))}`;
      },
    }));

  it.each<[string, JwtFault]>([
    ['IDT-40 without typ', {}],
    ['IDT-40 of type JWT', { header: (h) => ({ ...h, typ: 'JWT' }) }],
    ['IDT-40 of type jwt', { header: (h) => ({ ...h, typ: 'jwt' }) }],
    ['of type application/jwt', { header: (h) => ({ ...h, typ: 'application/jwt' }) }],
    ['IDT-54 of nearly 64 KiB', { claims: (c) => ({ ...c, x: 'x'.repeat(48_000) }) }],
    ['with members in its header that mean nothing to us', { header: (h) => ({ ...h, cty: 'x', x: [1] }) }],
  ])('%s is accepted', (_what, fault) => expectAccepted(fault));

  it('IDT-44 of two subjects is of the last one, wherever it is looked at', async () => {
    const op = await startProvider();
    op.idToken({ claims: (claims) => `{"sub":"victim",${JSON.stringify({ ...claims, sub: 'alice' }).slice(1)}` });
    const { idToken } = await loginWith(clientOf(op).oidc, op);
    expect([idToken.sub, idToken.claims['sub']]).toEqual(['alice', 'alice']);
    expect(JSON.stringify(idToken)).not.toContain('victim');
  });

  it('says nothing of the token or the secret in what it throws', async () => {
    const op = await startProvider();
    op.idToken({ header: () => ({ alg: 'HS256' }) });
    const error: unknown = await rejection(loginWith(clientOf(op, { metadata: REGISTERED('RS256') }).oidc, op));
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      name: 'VerificationError',
      code: 'ALG_NOT_ALLOWED',
      message: 'The ID token is signed with an algorithm that is not registered.',
    });
    expect(String(Object(error).stack)).not.toContain(CLIENT_SECRET);
  });
});
