import { generateKeyPairSync } from 'node:crypto';

import { expect, it } from '@jest/globals';

import type { Answering } from '../../lib/testing/http-faults.js';
import { AUDIENCE, createApp, onBothAdapters } from '../support/app/apps.js';
import { expectBadToken, expectDependency, expectNoSecrets } from '../support/app/outcomes.js';
import { T } from '../support/clock.js';
import type { JwtFault, Members, ResponseFault } from '../support/provider/hostile-provider.js';
import { CLIENT_SECRET } from '../support/provider/provider.js';

const MEDIA_TYPE = 'application/token-introspection+jwt';

/** Changes the finished JWT before it is sent. */
const sent =
  (change: (jwt: string) => string, contentType = MEDIA_TYPE): Answering =>
  async (_request, next) => ({ headers: { 'content-type': contentType }, body: change(String((await next()).body)) });

onBothAdapters((adapter) => {
  const boot = (alg = 'ES256') => createApp({ adapter, client: { introspection_signed_response_alg: alg } });

  const inner = (members: Members) => (claims: Members) => ({
    ...claims,
    token_introspection: { ...Object(claims['token_introspection']), ...members },
  });

  it.each(['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA', 'HS256'])(
    'SINTRO-01 asks for a response signed with %s, and believes it',
    async (alg) => {
      const app = await boot(alg);
      const response = await app.call('/orders', app.op.issue());
      expect([response.status, response.json()]).toEqual([
        200,
        { sub: 'alice', client_id: 'rp1', scopes: ['orders:read'] },
      ]);
      expect(app.op.last('introspect').headers.accept).toBe('application/token-introspection+jwt');
      expect(response.header('cache-control')).toBe('private');
    },
  );

  it.each<[string, ResponseFault]>([
    ['SINTRO-02 JSON that says active', { as: 'json' }],
    ['SINTRO-03 JSON that says inactive', { as: 'json', body: () => ({ active: false }) }],
    ['SINTRO-23 a JWT that calls itself JSON', { contentType: 'application/json' }],
    ['SINTRO-23 almost the media type', { contentType: `${MEDIA_TYPE}foo` }],
    ['SINTRO-23 any JWT', { contentType: 'application/jwt' }],
    ['no media type', { contentType: '' }],
  ])('%s is 503 and reaches no handler', async (_what, fault) => {
    const app = await boot();
    const token = app.op.issue();
    app.op.introspectionResponse(fault);
    expectDependency(app, await app.call('/orders', token), 'SIGNED_RESPONSE_REQUIRED');
    expect(app.handled).toEqual([]);
    app.op.reset();
    expect((await app.call('/orders', token)).status).toBe(200);
  });

  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });

  it.each<[string, JwtFault, string]>([
    ['SINTRO-05 unsigned', { header: (h) => ({ ...h, alg: 'none' }), sign: 'none' }, 'ALG_NOT_ALLOWED'],
    ['SINTRO-05 without its signature', { sign: 'none' }, 'SIGNATURE_INVALID'],
    [
      'SINTRO-05 by our secret',
      { header: () => ({ alg: 'HS256', typ: 'token-introspection+jwt' }) },
      'ALG_NOT_ALLOWED',
    ],
    ['by another key of the server', { header: (h) => ({ ...h, alg: 'RS256' }) }, 'ALG_NOT_ALLOWED'],
    ['by a stranger', { sign: 'stranger' }, 'SIGNATURE_INVALID'],
    [
      'by a key that it brings along',
      {
        sign: 'stranger',
        header: (h) => ({
          ...h,
          kid: 'mine',
          jwk: rsa.publicKey.export({ format: 'jwk' }),
          jku: 'https://evil.test/k',
        }),
      },
      'KEY_NOT_FOUND',
    ],
    ['SINTRO-07 without typ', { header: ({ typ: _, ...h }) => h }, 'TYP_MISMATCH'],
    ['SINTRO-07 typ JWT', { header: (h) => ({ ...h, typ: 'JWT' }) }, 'TYP_MISMATCH'],
    ['SINTRO-07 typ at+jwt', { header: (h) => ({ ...h, typ: 'at+jwt' }) }, 'TYP_MISMATCH'],
    ['SINTRO-07 typ secevent+jwt', { header: (h) => ({ ...h, typ: 'secevent+jwt' }) }, 'TYP_MISMATCH'],
    ['SINTRO-07 typ a number', { header: (h) => ({ ...h, typ: 1 }) }, 'TYP_MISMATCH'],
    ['with a critical extension', { header: (h) => ({ ...h, crit: ['x'], x: 1 }) }, 'UNSUPPORTED_CRIT'],
    ['of no issuer', { claims: ({ iss: _, ...c }) => c }, 'ISS_MISMATCH'],
    ['of another issuer', { claims: (c) => ({ ...c, iss: 'https://op2.test' }) }, 'ISS_MISMATCH'],
    ['for nobody', { claims: ({ aud: _, ...c }) => c }, 'AUD_MISMATCH'],
    ['for somebody else', { claims: (c) => ({ ...c, aud: 'rs2' }) }, 'AUD_MISMATCH'],
    ['SINTRO-11 for us and another', { claims: (c) => ({ ...c, aud: ['rp1', 'rs2'] }) }, 'AUD_MISMATCH'],
    ['for an empty list', { claims: (c) => ({ ...c, aud: [] }) }, 'AUD_MISMATCH'],
    ['SINTRO-12 without iat', { claims: ({ iat: _, ...c }) => c }, 'CLAIM_MISSING'],
    ['SINTRO-13 of the future', { claims: (c) => ({ ...c, iat: T + 31 }) }, 'NOT_YET_VALID'],
    ['older than a minute and the tolerance', { claims: (c) => ({ ...c, iat: T - 91 }) }, 'TOO_OLD'],
    ['with an iat that is text', { claims: (c) => ({ ...c, iat: `${T}` }) }, 'CLAIM_INVALID'],
    ['SINTRO-16 about nothing', { claims: ({ token_introspection: _, ...c }) => c }, 'CLAIM_MISSING'],
    ['SINTRO-16 about text', { claims: (c) => ({ ...c, token_introspection: '{}' }) }, 'INTROSPECTION_MALFORMED'],
    ['SINTRO-16 about a list', { claims: (c) => ({ ...c, token_introspection: [] }) }, 'INTROSPECTION_MALFORMED'],
    ['SINTRO-16 about null', { claims: (c) => ({ ...c, token_introspection: null }) }, 'INTROSPECTION_MALFORMED'],
    ['SINTRO-21 with active as text', { claims: inner({ active: 'true' }) }, 'INTROSPECTION_MALFORMED'],
    ['with claims that are no object', { claims: () => '[]' }, 'JWT_MALFORMED'],
    ['with half a signature', { sign: (jwt) => jwt.slice(0, -22) }, 'SIGNATURE_INVALID'],
    ['with another spelling of its signature', { sign: (jwt) => `${jwt}=` }, 'JWT_MALFORMED'],
    ['of four parts', { sign: (jwt) => `${jwt}.x` }, 'JWT_MALFORMED'],
    ['that is encrypted', { sign: (jwt) => `${jwt}.x.x` }, 'UNEXPECTED_JWE'],
  ])('a response %s is 503 and reaches no handler', async (_what, fault, code) => {
    const app = await boot();
    const token = app.op.issue();
    app.op.introspectionResponse(fault);
    const response = await app.call('/orders', token);
    expectDependency(app, response, code);
    expectNoSecrets(app, response, [token, CLIENT_SECRET]);
    expect(app.handled).toEqual([]);
    app.op.reset();
    expect((await app.call('/orders', token)).status).toBe(200);
  });

  it.each<[string, JwtFault]>([
    ['SINTRO-08 typ with its prefix', { header: (h) => ({ ...h, typ: `application/token-introspection+jwt` }) }],
    ['SINTRO-08 typ in upper case', { header: (h) => ({ ...h, typ: 'TOKEN-INTROSPECTION+JWT' }) }],
    ['SINTRO-11 for us by both of our names', { claims: (c) => ({ ...c, aud: ['rp1', AUDIENCE] }) }],
    ['for the API alone', { claims: (c) => ({ ...c, aud: AUDIENCE }) }],
    ['SINTRO-13 of the near future', { claims: (c) => ({ ...c, iat: T + 30 }) }],
    ['as old as it may be', { claims: (c) => ({ ...c, iat: T - 90 }) }],
    ['SINTRO-18 with claims outside that say nothing', { claims: (c) => ({ ...c, sub: 'mallory', exp: T + 5 }) }],
  ])('a response %s is good', async (_what, fault) => {
    const app = await boot();
    app.op.introspectionResponse(fault);
    const response = await app.call('/orders', app.op.issue());
    expect([response.status, response.json()['sub']]).toEqual([200, 'alice']);
  });

  it.each<[string, Answering, number]>([
    [
      'SINTRO-24 another case and parameters',
      sent((jwt) => jwt, 'Application/Token-Introspection+JWT; charset=utf-8'),
      200,
    ],
    ['SINTRO-32 a line break behind it', sent((jwt) => `${jwt}\r\n `), 200],
    ['SINTRO-32 a tab behind it', sent((jwt) => `${jwt}\t`), 503],
    ['SINTRO-32 a line break before it', sent((jwt) => `\n${jwt}`), 503],
    ['SINTRO-32 a byte order mark before it', sent((jwt) => `\ufeff${jwt}`), 503],
    ['a line break in it', sent((jwt) => jwt.replace('.', '.\n')), 503],
  ])('%s', async (_what, answer, status) => {
    const app = await boot();
    app.op.answer('introspect', answer);
    expect((await app.call('/orders', app.op.issue())).status).toBe(status);
  });

  it('SINTRO-15 binds an answer to its time, not to its token', async () => {
    const app = await boot();
    const other = app.op.issue({ sub: 'bob' });
    app.op.answer('introspect', (request, next) => {
      Object.assign(request.form, { token: other });
      return next();
    });
    const response = await app.call('/orders', app.op.issue());
    expect([response.status, response.json()['sub']]).toEqual([200, 'bob']);
  });

  it('SINTRO-19 refuses a token of another issuer inside', async () => {
    const app = await boot();
    expectBadToken(app, await app.call('/orders', app.op.issue({ iss: 'https://op2.test' })), 'TOKEN_ISSUER');
  });

  it('SINTRO-22 refuses a token that is signed to be inactive', async () => {
    const app = await boot();
    expectBadToken(app, await app.call('/orders', 'nobody-knows-it'), 'TOKEN_INACTIVE');
  });

  it.each<[string, readonly string[] | undefined, string, number]>([
    ['(a) the server publishes ES256', ['ES256'], 'ES256', 200],
    ['(b) the server publishes nothing: RS256', undefined, 'RS256', 200],
    ['(c) the server publishes nothing: not ES256', undefined, 'ES256', 503],
    ['the server publishes nothing that is good', ['none', 'HS256'], 'RS256', 503],
  ])('SINTRO-06 verifies a JWT that nobody asked for: %s', async (_what, published, alg, status) => {
    const app = await createApp({ adapter });
    app.op.register({ ...app.client, introspection_signed_response_alg: alg });
    app.op.discovery(({ introspection_signing_alg_values_supported: _, ...document }) => ({
      ...document,
      ...(published !== undefined && { introspection_signing_alg_values_supported: published }),
    }));
    app.op.introspectionResponse({ as: 'jwt' });
    expect((await app.call('/orders', app.op.issue())).status).toBe(status);
    expect(app.op.last('introspect').headers.accept).toBe('application/json');
    app.op.introspectionResponse({ as: 'jwt', sign: 'stranger' });
    expect((await app.call('/orders', app.op.issue())).status).toBe(503);
  });

  it('errors are JSON all the same', async () => {
    const app = await boot();
    app.op.answer('introspect', { status: 401, body: { error: 'invalid_client' } });
    expectDependency(app, await app.call('/orders', app.op.issue()), 'CLIENT_MISCONFIGURED');
    expect(app.logs.filter(({ level }) => level === 'error').map(({ text }) => text)).toEqual([
      expect.stringContaining('CLIENT_MISCONFIGURED'),
    ]);
  });

  it('SINTRO-30 believes nothing while the keys can not be had', async () => {
    const app = await boot();
    app.op.answer('jwks', { status: 503 });
    expectDependency(app, await app.call('/orders', app.op.issue()), 'UPSTREAM_UNAVAILABLE');
    app.op.heal();
    expect((await app.call('/orders', app.op.issue())).status).toBe(200);
  });

  it('SINTRO-31 fetches the keys once more for a key that was just published', async () => {
    const app = await boot();
    expect((await app.call('/orders', app.op.issue())).status).toBe(200);
    app.op.rotate();
    expect((await app.call('/orders', app.op.issue())).status).toBe(200);
    expect(app.op.count('jwks')).toBe(2);
  });
});
