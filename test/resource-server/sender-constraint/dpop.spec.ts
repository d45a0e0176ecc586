import { describe, expect, it } from '@jest/globals';
import { Controller, Get, UseGuards } from '@nestjs/common';

import { MemoryStore, OidcGuard, StoreError, type OidcStore } from '../../../lib/index.js';
import { generateKey, privateJwk } from '../../../lib/testing/provider/keys.js';
import { CONTROLLERS } from '../../support/app/app-controllers.js';
import { createApp, onBothAdapters, type TestApp } from '../../support/app/apps.js';
import {
  challengesOf,
  expectBadProof,
  expectBadToken,
  expectDependency,
  expectInsufficientScope,
  expectNoAuth,
  expectNonce,
  expectNoSecrets,
  expectRefused,
} from '../../support/app/outcomes.js';
import { T } from '../../support/clock.js';
import { rawRequest } from '../../support/http/raw-http.js';
import { jwtAccessToken } from '../../support/tokens/access-token.js';
import { dpopKey, dpopProof, type DpopKey, type ProofRequest } from '../../support/tokens/dpop.js';

const RESOURCE = 'https://api.test';
const URL_OF_ORDERS = `${RESOURCE}/orders`;
const NONCE_SECRET = 'a secret of these tests that is long enough';

@Controller('a')
@UseGuards(OidcGuard)
class PathController {
  @Get(['b', '~b'])
  read() {
    return { ok: true };
  }

  @Get('twice')
  @UseGuards(OidcGuard)
  twice() {
    return { ok: true };
  }
}

onBothAdapters((adapter) => {
  describe.each(['opaque', 'jwt'] as const)('%s tokens', (kind) => {
    const boot = (dpop: object = {}, more: { store?: OidcStore } = {}) =>
      createApp({
        adapter,
        controllers: [...CONTROLLERS, PathController],
        options: {
          resourceServer: {
            audience: RESOURCE,
            resource: RESOURCE,
            validation: kind === 'jwt' ? 'jwt' : 'introspection',
            dpop,
          },
          ...more,
        },
        configure: (nest) => nest.enableCors({ origin: 'https://spa.test' }),
      });
    const issue = (app: TestApp, members: object = {}) =>
      kind === 'jwt' ? jwtAccessToken(app.op, { claims: { ...members } }) : app.op.issue({ ...members });
    const bound = (app: TestApp, key: DpopKey, members: object = {}) =>
      issue(app, { cnf: { jkt: key.jkt }, ...members });
    const send = (
      app: TestApp,
      token: string,
      proof: string | string[] | undefined,
      { scheme = 'DPoP', method = 'GET', path = '/orders' } = {},
    ) =>
      app.request(path, {
        method: method as 'GET',
        headers: { authorization: `${scheme} ${token}`, ...(proof !== undefined && { dpop: proof }) },
      });
    /** One call with a proof that is right but for this. */
    const attempt = async (app: TestApp, change: Partial<ProofRequest> = {}, members: object = {}, key = dpopKey()) => {
      const token = bound(app, key, members);
      return send(app, token, dpopProof(key, { url: URL_OF_ORDERS, accessToken: token, ...change }));
    };

    it('R1 a bound token with its proof', async () => {
      const app = await boot();
      const response = await attempt(app);
      expect(response.status).toBe(200);
      expect(response.header('cache-control')).toBe('private');
      expect(Math.abs(Date.parse(response.header('date') ?? '') - Date.now())).toBeLessThan(5000);
    });

    it('RS-01 without credentials both schemes are offered, and nothing is called an error', async () => {
      const app = await boot({ algorithms: ['ES256', 'EdDSA'] });
      const response = await app.get('/orders');
      expectNoAuth(app, response);
      const resource_metadata = 'https://api.test/.well-known/oauth-protected-resource';
      expect(challengesOf(response)).toEqual({
        Bearer: { realm: 'https://api.test', resource_metadata },
        DPoP: { realm: 'https://api.test', algs: 'ES256 EdDSA', resource_metadata },
      });
      expect(app.op.count()).toBe(0);
    });

    it.each(['dpop', 'DPOP', 'dpOp'])('R2 R3 scheme %s', async (scheme) => {
      const app = await boot();
      const key = dpopKey();
      const token = bound(app, key);
      const proof = dpopProof(key, { url: URL_OF_ORDERS, accessToken: token });
      expect((await send(app, token, proof, { scheme })).status).toBe(200);
      const again = dpopProof(key, { url: URL_OF_ORDERS, accessToken: token });
      const raw = await rawRequest(app.address, 'GET /orders', [`Authorization: ${scheme} ${token}`, `DPOP: ${again}`]);
      expect(raw.status).toBe(200);
    });

    it('DPOP-01 R19 without a proof', async () => {
      const app = await boot();
      const token = bound(app, dpopKey());
      expectBadProof(app, await send(app, token, undefined), 'DPOP_PROOF_MISSING');
    });

    it('DPOP-02 R19 INTRO-11 a bound token as a bearer token, with a proof or without', async () => {
      const app = await boot();
      const key = dpopKey();
      const token = bound(app, key);
      const proof = dpopProof(key, { url: URL_OF_ORDERS, accessToken: token });
      for (const response of [
        await send(app, token, undefined, { scheme: 'Bearer' }),
        await send(app, token, proof, { scheme: 'Bearer' }),
      ]) {
        expectBadToken(app, response, 'TOKEN_BINDING');
        expect(challengesOf(response)['DPoP']).not.toHaveProperty('error');
      }
    });

    it('DPOP-03 DPOP-46 a token that is not bound, with a proof', async () => {
      const app = await boot();
      for (const members of [{}, { token_type: 'DPoP' }]) {
        const key = dpopKey();
        const token = issue(app, members);
        const response = await send(app, token, dpopProof(key, { url: URL_OF_ORDERS, accessToken: token }));
        expectRefused(app, response, 401, 'TOKEN_BINDING');
        expect(challengesOf(response)['DPoP']).toMatchObject({ error: 'invalid_token' });
        expect(challengesOf(response)['Bearer']).not.toHaveProperty('error');
      }
    });

    it('DPOP-04 R4 two proofs', async () => {
      const app = await boot();
      const key = dpopKey();
      const token = bound(app, key);
      const proofs = [1, 2].map(() => dpopProof(key, { url: URL_OF_ORDERS, accessToken: token }));
      const lines = [`Authorization: DPoP ${token}`, ...proofs.map((proof) => `DPoP: ${proof}`)];
      expectBadProof(app, await rawRequest(app.address, 'GET /orders', lines));
    });

    it.each(['abc', 'a.b.c', '..', 'eyJ.eyJ.x'])('DPOP-06 R5 %s for a proof', async (proof) => {
      const app = await boot();
      expectBadProof(app, await send(app, bound(app, dpopKey()), proof));
    });

    it('DPOP-06 a header without a proof', async () => {
      const app = await boot();
      const lines = [`Authorization: DPoP ${bound(app, dpopKey())}`, 'DPoP:'];
      expectBadProof(app, await rawRequest(app.address, 'GET /orders', lines));
    });

    it('DPOP-15 to HEAD of a route for GET the proof is made for HEAD', async () => {
      const app = await boot();
      const key = dpopKey();
      const token = bound(app, key);
      const head = (method: string) =>
        send(app, token, dpopProof(key, { method, url: URL_OF_ORDERS, accessToken: token }), { method: 'HEAD' });
      const refused = await head('GET');
      expect([refused.status, app.lastCode, app.handled]).toEqual([401, 'DPOP_PROOF_INVALID', []]);
      expect(challengesOf(refused)['DPoP']).toMatchObject({ error: 'invalid_dpop_proof' });
      expect((await head('HEAD')).status).toBe(200);
    });

    it('DPOP-17 R12 the query of the request is not in the proof', async () => {
      const app = await boot();
      const key = dpopKey();
      const token = bound(app, key);
      const proof = dpopProof(key, { url: 'https://api.test/orders', accessToken: token });
      expect((await send(app, token, proof, { path: '/orders?a=b' })).status).toBe(200);
    });

    it.each([
      ['/a/b', 'https://API.test:443/a/%62'],
      ['/a/~b', 'https://API.test:443/a/%7Eb'],
      ['/a/b', 'https://api.test/a/../a/b'],
    ])('DPOP-18 %s is called by %s too', async (path, url) => {
      const app = await boot();
      const key = dpopKey();
      const token = bound(app, key);
      expect((await send(app, token, dpopProof(key, { url, accessToken: token }), { path })).status).toBe(200);
    });

    it('DPOP-18 /a/b is not called by an encoded slash', async () => {
      const app = await boot();
      const key = dpopKey();
      const token = bound(app, key);
      const proof = dpopProof(key, { url: 'https://api.test/a%2Fb', accessToken: token });
      expectBadProof(app, await send(app, token, proof, { path: '/a/b' }));
    });

    it('DPOP-31 the hash of scheme and token', async () => {
      const app = await boot();
      const key = dpopKey();
      const token = bound(app, key);
      const proof = dpopProof(key, { url: URL_OF_ORDERS, accessToken: `DPoP ${token}` });
      expectBadProof(app, await send(app, token, proof));
    });

    it('DPOP-44 the access token for a proof', async () => {
      const app = await boot();
      const token = jwtAccessToken(app.op);
      expectBadProof(app, await send(app, token, token));
    });

    const foreign = dpopKey();
    it.each<[string, Partial<ProofRequest>]>([
      ['R6 R7 no typ', { header: { typ: undefined } }],
      ['R7 another typ', { header: { typ: 'at+jwt' } }],
      ['DPOP-08 R8 alg none', { header: { alg: 'none' } }],
      ['DPOP-08 alg HS256', { header: { alg: 'HS256' } }],
      ['DPOP-09 R6 no jwk', { header: { jwk: undefined } }],
      ['DPOP-09 only a kid', { header: { jwk: undefined, kid: 'x' } }],
      ['DPOP-10 R9 a private key', { header: { jwk: privateJwk(generateKey('P-256')) } }],
      ['DPOP-11 a symmetric key', { header: { jwk: { kty: 'oct', k: 'AAAA' } } }],
      ['DPOP-13 R8 somebody else’s signature', { signedBy: foreign }],
      ['DPOP-14 R11 another method', { method: 'POST' }],
      ['DPOP-14 the method in lower case', { method: 'get' }],
      ['DPOP-14 the method of HEAD', { method: 'HEAD' }],
      ['DPOP-16 R11 another path', { url: `${RESOURCE}/other` }],
      ['DPOP-16 another host', { url: 'https://evil.test/orders' }],
      ['DPOP-16 another scheme', { url: 'http://api.test/orders' }],
      ['DPOP-16 another port', { url: 'https://api.test:8443/orders' }],
      ['DPOP-20 something else than a URL', { url: 'foo' }],
      ['DPOP-20 a host with an encoded slash', { url: 'https://api.test%2Forders' }],
      ['DPOP-20 a user in it', { url: 'https://u@api.test/orders' }],
      ['DPOP-21 R14 an hour ago', { at: T - 3600 }],
      ['DPOP-21 R14 in an hour', { at: T + 3600 }],
      ['DPOP-21 a second too old', { at: T - 91 }],
      ['DPOP-21 a second too early', { at: T + 31 }],
      ['DPOP-22 R6 no iat', { claims: { iat: undefined } }],
      ['DPOP-22 iat as text', { claims: { iat: String(T) } }],
      ['DPOP-23 R6 no jti', { claims: { jti: undefined } }],
      ['DPOP-23 an empty jti', { claims: { jti: '' } }],
      ['DPOP-23 a jti that is no text', { claims: { jti: 7 } }],
      ['DPOP-23 a jti without end', { claims: { jti: 'x'.repeat(5000) } }],
      ['R6 no htm', { claims: { htm: undefined } }],
      ['R6 no htu', { claims: { htu: undefined } }],
      ['DPOP-30 R6 no ath', { claims: { ath: undefined } }],
      ['DPOP-30 R17 the hash of another token', { accessToken: 'other' }],
      ['DPOP-30 a hash of nothing', { claims: { ath: 'x'.repeat(43) } }],
      ['DPOP-42 crit', { header: { crit: ['x'], x: 1 } }],
      ['DPOP-42 jku', { header: { jku: 'https://evil.test/jwks' } }],
      ['DPOP-43 expired', { claims: { exp: T - 60 } }],
    ])('%s', async (_what, change) => {
      const app = await boot();
      const response = await attempt(app, change);
      expectBadProof(app, response);
      expect(app.op.count('introspect')).toBe(0);
    });

    it.each<[string, Partial<ProofRequest>]>([
      ['DPOP-17 R12 a query and a fragment that the request lacks', { claims: { htu: `${URL_OF_ORDERS}?x=1#y` } }],
      ['DPOP-18 R13 host in upper case, explicit port', { url: 'HTTPS://API.test:443/orders' }],
      ['DPOP-18 a detour and an encoded letter', { url: 'https://api.test/a/../%6Frders' }],
      ['DPOP-21 as old as may be', { at: T - 90 }],
      ['DPOP-21 R15 as early as may be', { at: T + 30 }],
      ['R15 nbf now and exp in five minutes', { claims: { nbf: T, exp: T + 300 } }],
      ['R18 members that nobody knows', { header: { x: 1, kid: 'a' }, claims: { y: { z: 2 } } }],
    ])('%s', async (_what, change) => {
      const app = await boot();
      expect((await attempt(app, change)).status).toBe(200);
    });

    it('DPOP-24 one request may be looked at by two guards, and its proof is used up all the same', async () => {
      const app = await boot();
      const key = dpopKey();
      const token = bound(app, key);
      const proof = dpopProof(key, { url: `${RESOURCE}/a/twice`, accessToken: token });
      const headers = { authorization: `DPoP ${token}`, dpop: proof };
      expect((await app.get('/a/twice', headers)).status).toBe(200);
      expectBadProof(app, await app.get('/a/twice', headers), 'DPOP_PROOF_REPLAYED');
    });

    it('DPOP-24 R16 the same proof twice', async () => {
      const app = await boot();
      const key = dpopKey();
      const token = bound(app, key);
      const proof = dpopProof(key, { url: URL_OF_ORDERS, accessToken: token });
      expect((await send(app, token, proof)).status).toBe(200);
      expectBadProof(app, await send(app, token, proof), 'DPOP_PROOF_REPLAYED');
      app.clock.advance(90);
      expectBadProof(app, await send(app, token, proof), 'DPOP_PROOF_REPLAYED');
    });

    it('DPOP-27 the same proof twenty times at once', async () => {
      const app = await boot();
      const key = dpopKey();
      const token = bound(app, key);
      const proof = dpopProof(key, { url: URL_OF_ORDERS, accessToken: token });
      const answers = await Promise.all(Array.from({ length: 20 }, () => send(app, token, proof)));
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      expect(answers.filter(({ status }) => status === 401)).toHaveLength(19);
    });

    it('DPOP-28 a store that can not be asked', async () => {
      const store = new MemoryStore();
      store.claim = () => {
        throw new StoreError('STORE_UNAVAILABLE', 'The store can not be reached.');
      };
      const app = await boot({}, { store });
      expectDependency(app, await attempt(app), 'STORE_UNAVAILABLE');
    });

    it('RFC 7800, section 3.1: what is not understood beside the key is ignored, as Keycloak sends it', async () => {
      const app = await boot();
      const key = dpopKey();
      expect((await attempt(app, {}, { cnf: { jkt: key.jkt, 'kc-jkt-type': 'DPoP' } }, key)).status).toBe(200);
    });

    it('a certificate beside the key has to be shown, where none can be', async () => {
      const app = await boot();
      const key = dpopKey();
      const response = await attempt(app, {}, { cnf: { jkt: key.jkt, 'x5t#S256': 'x'.repeat(43) } }, key);
      expectRefused(app, response, 401, 'TOKEN_BINDING');
    });

    it('DPOP-32 R10 a token that is bound to another key', async () => {
      const app = await boot();
      const response = await attempt(app, {}, { cnf: { jkt: dpopKey().jkt } });
      expectRefused(app, response, 401, 'TOKEN_BINDING');
      expect(challengesOf(response)['DPoP']).toMatchObject({ error: 'invalid_token' });
    });

    it.each([
      ['x'],
      [[]],
      [null],
      [7],
      [{ jkt: 1 }],
      [{ jkt: '' }],
      [{}],
      [{ new: 1 }],
      [{ jkt: 'x'.repeat(43), new: 1 }],
    ])('DPOP-34 confirmation %j', async (cnf) => {
      const app = await boot();
      const response = await attempt(app, {}, { cnf });
      expectRefused(app, response, 401, 'TOKEN_BINDING');
      expect(challengesOf(response)['DPoP']).toMatchObject({ error: 'invalid_token' });
    });

    it('DPOP-37 DPOP-38 DPOP-39 DPOP-41 a nonce, where one is required', async () => {
      const app = await boot({ nonceSecret: NONCE_SECRET });
      const replica = await boot({ nonceSecret: NONCE_SECRET });
      const refused = await attempt(app);
      const nonce = expectNonce(app, refused);
      const good = await attempt(app, { nonce });
      expect([good.status, good.all('dpop-nonce')]).toEqual([200, [nonce]]);
      expect((await attempt(replica, { nonce })).status).toBe(200);
      expectNonce(app, await attempt(app));
      expectNonce(app, await attempt(app, { nonce: 'of-the-authorization-server' }));
      app.clock.advance(300);
      const next = expectNonce(app, await attempt(app, { nonce, at: T + 300 }));
      expect(next).not.toBe(nonce);
    });

    it('DPOP-37 scripts of other origins may read the nonce where CORS is on', async () => {
      const app = await boot({ nonceSecret: NONCE_SECRET });
      const key = dpopKey();
      const token = bound(app, key);
      const proof = dpopProof(key, { url: URL_OF_ORDERS, accessToken: token });
      const response = await app.request('/orders', {
        headers: { authorization: `DPoP ${token}`, dpop: proof, origin: 'https://spa.test' },
      });
      expectNonce(app, response);
      expect(response.header('access-control-expose-headers')).toBe('WWW-Authenticate, DPoP-Nonce');
    });

    it('only what is listed may have signed a proof', async () => {
      const app = await boot({ algorithms: ['PS256', 'EdDSA'] });
      const response = await attempt(app);
      expectBadProof(app, response);
      expect(challengesOf(response)['DPoP']).toMatchObject({ algs: 'PS256 EdDSA' });
      expect((await attempt(app, {}, {}, dpopKey('EdDSA'))).status).toBe(200);
    });

    it('where it is required, a bearer token is refused and not offered', async () => {
      const app = await boot({ required: true });
      const response = await send(app, issue(app), undefined, { scheme: 'Bearer' });
      expectRefused(app, response, 401, 'TOKEN_BINDING');
      expect(Object.keys(challengesOf(response))).toEqual(['DPoP']);
      expect(app.op.count('introspect')).toBe(0);
      expect(Object.keys(challengesOf(await app.request('/orders')))).toEqual(['DPoP']);
    });

    it('RS-33 the challenge of the scheme that was not tried carries no error', async () => {
      const app = await boot();
      const response = await send(app, 'unknown', undefined, { scheme: 'Bearer' });
      expect(challengesOf(response)).toEqual({
        Bearer: expect.objectContaining({ error: 'invalid_token' }),
        DPoP: {
          realm: RESOURCE,
          algs: expect.stringContaining('ES256'),
          resource_metadata: 'https://api.test/.well-known/oauth-protected-resource',
        },
      });
    });

    it('RS-11 two schemes at once', async () => {
      const app = await boot();
      const token = issue(app);
      const lines = [`Authorization: Bearer ${token}`, `Authorization: DPoP ${token}`];
      const response = await rawRequest(app.address, 'GET /orders', lines);
      expectRefused(app, response, 400, 'CREDENTIALS_MALFORMED');
      expect(challengesOf(response)).toMatchObject({
        Bearer: { error: 'invalid_request' },
        DPoP: { error: 'invalid_request' },
      });
      expect(app.op.count()).toBe(0);
    });

    it('the scope is checked as ever, and no secret shows', async () => {
      const app = await boot();
      const key = dpopKey();
      const token = bound(app, key, { scope: 'other' });
      const proof = dpopProof(key, { url: URL_OF_ORDERS, accessToken: token });
      const response = await send(app, token, proof);
      expectRefused(app, response, 403, 'INSUFFICIENT_SCOPE');
      expect(challengesOf(response)['DPoP']).toMatchObject({ error: 'insufficient_scope', scope: 'orders:read' });
      expectNoSecrets(app, response, [token, proof]);
    });

    it('R20 R21 a token in the query is none; a good call after all that, with other headers', async () => {
      const app = await boot();
      const token = issue(app);
      const id = 'c770aef3-6784-41f7-8e0e-ff5f97bddb3a';
      const interaction = { 'x-fapi-interaction-id': id };
      expect((await app.request(`/orders?access_token=${token}`)).status).toBe(401);
      const response = await app.call('/orders', token, {
        headers: { accept: '*/*', 'x-fapi-customer-ip-address': '2001:db8::1', ...interaction },
      });
      expect([response.status, response.header('x-fapi-interaction-id')]).toEqual([200, id]);
      const refused = await app.get('/orders', interaction);
      expect([refused.status, refused.header('x-fapi-interaction-id')]).toEqual([401, id]);
      const odd = await app.call('/orders', token, { headers: { 'x-fapi-interaction-id': 'no UUID' } });
      expect([odd.status, odd.header('x-fapi-interaction-id')]).toEqual([200, undefined]);
      expectInsufficientScope(app, await app.call('/orders', issue(app, { scope: '' })), 'orders:read');
    });
  });
});
