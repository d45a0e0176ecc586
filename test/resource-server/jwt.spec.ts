import { describe, expect, it } from '@jest/globals';
import { Controller, Get, UseGuards, type INestApplication } from '@nestjs/common';

import { AccessTokenValidation, Introspection, OidcClient, OidcGuard } from '../../lib/index.js';
import { generateKey, jws } from '../../lib/testing/provider/keys.js';
import { createApp, onBothAdapters, type TestApp } from '../support/app/apps.js';
import { expectBadToken, expectDependency, expectInsufficientScope, expectNoSecrets } from '../support/app/outcomes.js';
import { T } from '../support/clock.js';
import { jwtAccessToken, type JwtAccessTokenOptions } from '../support/tokens/access-token.js';

@Controller()
@UseGuards(OidcGuard)
class MixedController {
  @Get('fresh')
  @Introspection({ maxAge: 0 })
  fresh() {
    return { ok: true };
  }

  @Get('signed')
  @AccessTokenValidation('jwt')
  signed() {
    return { ok: true };
  }

  @Get('as-configured')
  asConfigured() {
    return { ok: true };
  }
}

/** What an ID token has beside an access token's claims, and what it lacks. */
const ID_TOKEN = { nonce: 'n-0S6_WzA2Mj', client_id: undefined, scope: undefined, jti: undefined };

onBothAdapters((adapter) => {
  const boot = (resourceServer: object = {}, more: object = {}) =>
    createApp({
      adapter,
      options: { resourceServer: { audience: 'https://api.test', validation: 'jwt', ...resourceServer } },
      ...more,
    });
  const call = (app: TestApp, options?: JwtAccessTokenOptions) => app.call('/orders', jwtAccessToken(app.op, options));

  it('a JWT access token is verified by its signature, and nobody is asked about it', async () => {
    const app = await boot();
    const response = await call(app);
    expect(response.json()).toEqual({ sub: 'alice', client_id: 'rp1', scopes: ['orders:read'] });
    expect([app.op.count('introspect'), app.op.count('jwks')]).toEqual([0, 1]);
  });

  it('RFC 9068, section 5: a client whose identifier is a user’s subject is not that user', async () => {
    const app = await boot();
    const token = jwtAccessToken(app.op, { claims: { sub: 'alice', client_id: 'alice' } });
    const { user } = (await app.call('/any', token)).json() as { user: object };
    expect(user).toMatchObject({ client_id: 'alice', claims: { sub: 'alice' } });
    expect(user).not.toHaveProperty('sub');
  });

  it.each(['RS256', 'PS512', 'ES384', 'ES512', 'EdDSA'])('signed with %s', async (alg) => {
    const app = await boot();
    expect((await call(app, { alg })).status).toBe(200);
  });

  it.each(['APPLICATION/at+JWT', 'At+Jwt'])('RS-22 with typ %s', async (typ) => {
    const app = await boot();
    expect((await call(app, { header: { typ } })).status).toBe(200);
  });

  it.each<[string, JwtAccessTokenOptions, string]>([
    ['RS-22 without typ', { header: { typ: undefined } }, 'TOKEN_TYPE'],
    ['RS-22 of typ JWT', { header: { typ: 'JWT' } }, 'TOKEN_TYPE'],
    ['RS-22 an ID token', { header: { typ: undefined }, claims: { ...ID_TOKEN, aud: 'rp1' } }, 'TOKEN_TYPE'],
    ['RS-22 an ID token for the API', { header: { typ: undefined }, claims: ID_TOKEN }, 'TOKEN_TYPE'],
    ['SINTRO-25 an introspection response', { header: { typ: 'token-introspection+jwt' } }, 'TOKEN_TYPE'],
    ['RS-22 a logout token', { header: { typ: 'logout+jwt' } }, 'TOKEN_TYPE'],
    ['RS-23 without iss', { claims: { iss: undefined } }, 'TOKEN_ISSUER'],
    ['RS-23 without exp', { claims: { exp: undefined } }, 'TOKEN_INVALID'],
    ['RS-23 RS-24 without aud', { claims: { aud: undefined } }, 'TOKEN_AUDIENCE'],
    ['RS-23 without sub', { claims: { sub: undefined } }, 'TOKEN_INVALID'],
    ['RS-23 without client_id', { claims: { client_id: undefined } }, 'TOKEN_INVALID'],
    ['RS-23 without iat', { claims: { iat: undefined } }, 'TOKEN_INVALID'],
    ['RS-23 without jti', { claims: { jti: undefined } }, 'TOKEN_INVALID'],
    ['of another API', { claims: { aud: ['https://other.test'] } }, 'TOKEN_AUDIENCE'],
    ['RS-25 of another issuer', { claims: { iss: 'https://op2.test' } }, 'TOKEN_ISSUER'],
    ['CLOCK-01 expired', { claims: { exp: 1_800_000_000 - 30 } }, 'TOKEN_EXPIRED'],
    ['CLOCK-02 of tomorrow', { claims: { nbf: 1_800_000_000 + 31 } }, 'TOKEN_NOT_YET_VALID'],
    ['CLOCK-03 issued in the future', { claims: { iat: 1_800_000_000 + 31 } }, 'TOKEN_NOT_YET_VALID'],
    ['with a sub that is no text', { claims: { sub: 7 } }, 'TOKEN_INVALID'],
    ['with a scope that is no text', { claims: { scope: { 'orders:read': true } } }, 'TOKEN_INVALID'],
    ['bound to a key', { claims: { cnf: { jkt: 'x'.repeat(43) } } }, 'TOKEN_BINDING'],
    ['signed by somebody else', { key: generateKey('P-256', 'provider') }, 'TOKEN_INVALID'],
    ['with an extension', { header: { crit: ['x'], x: 1 } }, 'TOKEN_INVALID'],
  ])('%s is refused', async (_what, options, code) => {
    const app = await boot();
    expectBadToken(app, await call(app, options), code);
    expect(app.op.count('introspect')).toBe(0);
  });

  it.each([
    ['with a nonce, which says nothing where the typ says what it is', { nonce: 'n-0S6_WzA2Mj' }],
    ['CLOCK-01 half a minute after its end', { exp: 1_800_000_000 - 29 }],
    ['CLOCK-02 half a minute before its time', { nbf: 1_800_000_000 + 30 }],
    ['CLOCK-03 issued half a minute from now', { iat: 1_800_000_000 + 30 }],
    ['for us among others', { aud: ['https://other.test', 'https://api.test'] }],
  ])('%s is accepted', async (_what, claims) => {
    const app = await boot();
    expect((await call(app, { claims })).status).toBe(200);
  });

  it('RS-22 unsigned, or signed with what is known to everybody, is refused', async () => {
    const app = await boot();
    const [header, payload] = jwtAccessToken(app.op).split('.');
    const encoded = (members: object) => Buffer.from(JSON.stringify(members)).toString('base64url');
    expectBadToken(app, await app.call('/orders', `${encoded({ typ: 'at+jwt', alg: 'none' })}.${payload}.`));
    expectBadToken(app, await app.call('/orders', `${header}.${payload}.`));
    expectBadToken(app, await app.call('/orders', `${encoded({ typ: 'at+jwt', alg: 'HS256' })}.${payload}.AAAA`));
  });

  it('only what is listed may have signed it', async () => {
    const app = await boot({ algorithms: ['PS256'] });
    expectBadToken(app, await call(app), 'TOKEN_INVALID');
    expect((await call(app, { alg: 'PS256' })).status).toBe(200);
  });

  it('an opaque token is none', async () => {
    const app = await boot();
    expectBadToken(app, await app.call('/orders', app.op.issue()), 'TOKEN_TYPE');
    expect(app.op.count()).toBe(0);
  });

  it('the scope is checked, and nothing of the token is told', async () => {
    const app = await boot();
    const token = jwtAccessToken(app.op, { claims: { scope: 'other' } });
    const response = await app.call('/orders', token);
    expectInsufficientScope(app, response, 'orders:read');
    expectNoSecrets(app, response, [token]);
  });

  it('CLOCK-12 a key that the server took up just now is found, without a request that is lost', async () => {
    const app = await boot();
    expect((await call(app)).status).toBe(200);
    app.op.rotate();
    const answers = await Promise.all(Array.from({ length: 20 }, () => call(app)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(app.op.count('jwks')).toBe(2);
  });

  it('a stranger who makes up keys causes one fetch in half a minute', async () => {
    const app = await boot();
    const foreign = () => call(app, { key: generateKey('P-256') });
    for (let time = 0; time < 5; time += 1) {
      expectBadToken(app, await foreign(), 'TOKEN_INVALID');
    }
    expect(app.op.count('jwks')).toBe(2);
    app.clock.advance(30);
    await foreign();
    expect(app.op.count('jwks')).toBe(3);
  });

  it('keys that can not be had are no fault of the token', async () => {
    const app = await boot();
    app.op.answer('jwks', { status: 500 });
    expectDependency(app, await call(app), 'UPSTREAM_ERROR');
    app.op.heal();
    expect((await call(app)).status).toBe(200);
  });

  it('what was verified is kept where a cache is configured, and only there', async () => {
    const app = await boot({ cache: { ttl: 30 } });
    const token = jwtAccessToken(app.op);
    expect((await app.call('/orders', token)).status).toBe(200);
    app.op.answer('jwks', { status: 500 });
    app.nest.get(OidcClient).forgetKeys();
    expectDependency(app, await app.call('/orders', token));
    app.op.heal();
    app.clock.advance(10);
    expect((await app.call('/orders', token)).status).toBe(200);
    const other = await boot();
    expect((await other.call('/orders', jwtAccessToken(other.op))).status).toBe(200);
  });

  it('needs no way to authenticate at the introspection endpoint', async () => {
    const app = await boot({}, { client: { client_secret: undefined } });
    expect((await call(app)).status).toBe(200);
    const asked = createApp({ adapter, client: { client_secret: undefined } });
    await expect(asked).rejects.toMatchObject({ member: 'client.client_secret' });
  });

  it('auto: what says that it is an access token is verified, all else is asked about', async () => {
    const app = await boot({ validation: 'auto' });
    expect((await call(app)).status).toBe(200);
    expect(app.op.count('introspect')).toBe(0);
    expect((await app.call('/orders', app.op.issue())).status).toBe(200);
    expectBadToken(app, await call(app, { header: { typ: 'JWT' } }), 'TOKEN_INACTIVE');
    expect(app.op.count('introspect')).toBe(2);
    expectBadToken(app, await call(app, { key: generateKey('P-256', 'provider') }), 'TOKEN_INVALID');
    expect(app.op.count('introspect')).toBe(2);
  });

  describe('auto: a good signature that only lacks a claim of RFC 9068', () => {
    const known = (app: TestApp) =>
      app.op.introspectionResponse({
        body: () => ({ active: true, sub: 'alice', client_id: 'rp1', aud: 'https://api.test', scope: 'orders:read' }),
      });

    it.each([['client_id'], ['sub'], ['jti'], ['iat'], ['exp']])('%s: the server is asked', async (claim) => {
      const app = await boot({ validation: 'auto' });
      known(app);
      const response = await call(app, { claims: { [claim]: undefined } });
      expect(response.json()).toEqual({ sub: 'alice', client_id: 'rp1', scopes: ['orders:read'] });
      expect(app.op.count('introspect')).toBe(1);
    });

    it('what the server does not call active is refused', async () => {
      const app = await boot({ validation: 'auto' });
      expectBadToken(app, await call(app, { claims: { client_id: undefined } }), 'TOKEN_INACTIVE');
    });

    it.each<[string, JwtAccessTokenOptions, string]>([
      ['another key', { key: generateKey('P-256', 'provider') }, 'TOKEN_INVALID'],
      ['another issuer', { claims: { iss: 'https://op2.test' } }, 'TOKEN_ISSUER'],
      ['no issuer', { claims: { iss: undefined } }, 'TOKEN_ISSUER'],
      ['another audience', { claims: { aud: 'https://other.test' } }, 'TOKEN_AUDIENCE'],
      ['no audience', { claims: { aud: undefined } }, 'TOKEN_AUDIENCE'],
      ['an end that is past', { claims: { exp: T - 30 } }, 'TOKEN_EXPIRED'],
      ['a beginning that is to come', { claims: { nbf: T + 31 } }, 'TOKEN_NOT_YET_VALID'],
      ['an issue that is to come', { claims: { iat: T + 31 } }, 'TOKEN_NOT_YET_VALID'],
      ['an end that is no time', { claims: { exp: 'soon' } }, 'TOKEN_INVALID'],
      ['a claim of another kind of JWT', { claims: { events: {} } }, 'TOKEN_INVALID'],
    ])('%s is refused, and nobody is asked', async (_what, { claims, ...options }, code) => {
      const app = await boot({ validation: 'auto' });
      known(app);
      expectBadToken(app, await call(app, { ...options, claims: { client_id: undefined, ...claims } }), code);
      expect(app.op.count('introspect')).toBe(0);
    });

    it('where no audience is checked, it may lack that as well', async () => {
      const app = await boot({ validation: 'auto', audience: false });
      known(app);
      expect((await call(app, { claims: { aud: undefined } })).status).toBe(200);
      expect(app.op.count('introspect')).toBe(1);
    });

    it.each<[string, object, (app: TestApp) => void]>([
      ['there is no endpoint', {}, ({ op }) => op.discovery(({ introspection_endpoint: _, ...more }) => more)],
      ['only signatures count', { validation: 'jwt' }, () => undefined],
    ])('it is refused where %s', async (_where, more, change) => {
      const app = await boot({ validation: 'auto', ...more });
      change(app);
      const response = await call(app, { claims: { client_id: undefined } });
      expectBadToken(app, response, 'TOKEN_INVALID');
      expect(app.refusals.at(-1)?.cause?.cause).toMatchObject({ code: 'CLAIM_MISSING' });
      expect(app.op.count('introspect')).toBe(0);
    });

    it('an outage of the server is an outage', async () => {
      const app = await boot({ validation: 'auto' });
      app.op.answer('introspect', { status: 503 });
      expectDependency(app, await call(app, { claims: { client_id: undefined } }), 'UPSTREAM_UNAVAILABLE');
    });

    it('what the server said is kept, and forgotten', async () => {
      const app = await boot({ validation: 'auto', cache: { ttl: 30 } });
      known(app);
      const token = jwtAccessToken(app.op, { claims: { client_id: undefined } });
      expect((await app.call('/orders', token)).status).toBe(200);
      app.op.reset();
      expect((await app.call('/orders', token)).status).toBe(200);
      expect(app.op.count('introspect')).toBe(1);
      await app.nest.get(OidcClient).forget(token);
      expectBadToken(app, await app.call('/orders', token), 'TOKEN_INACTIVE');
    });
  });

  it('a route may ask about tokens that others verify, and the other way round', async () => {
    const app = await boot({ validation: 'jwt' }, { controllers: [MixedController] });
    const token = jwtAccessToken(app.op);
    expect((await app.call('/as-configured', token)).status).toBe(200);
    expectBadToken(app, await app.call('/fresh', token), 'TOKEN_INACTIVE');
    expect(app.op.count('introspect')).toBe(1);
    const asking = await boot({ validation: 'introspection' }, { controllers: [MixedController] });
    expect((await asking.call('/signed', jwtAccessToken(asking.op))).status).toBe(200);
    expect(asking.op.count('introspect')).toBe(0);
  });

  it('with the roles of a large organisation it is read', async () => {
    const app = await boot();
    const roles = Array.from({ length: 240 }, (_, index) => `department-${index}-of-the-company:administrator`);
    const token = jwtAccessToken(app.op, { claims: { resource_access: { api: { roles } } } });
    expect(token.length).toBeGreaterThan(14_000);
    expect((await app.call('/orders', token)).status).toBe(200);
  });

  it('oversized, it is not looked at', async () => {
    const app = await boot(
      {},
      { configure: (nest: INestApplication) => Object.assign(nest.getHttpServer(), { maxHeaderSize: 65_536 }) },
    );
    const long = jws({ typ: 'at+jwt', alg: 'ES256' }, { fill: 'x'.repeat(13_000) }, app.op.key('ES256'), 'ES256');
    const response = await app.call('/orders', long);
    expect([response.status, app.op.count()]).toEqual([400, 0]);
  });
});
