import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';

import { expect, it } from '@jest/globals';
import { Controller, Get, Sse, UseGuards } from '@nestjs/common';
import { from, Subject } from 'rxjs';
import { request } from 'undici';

import { customFetch, MemoryStore, OidcClient, OidcGuard, Public, type OidcStore } from '../../lib/index.js';
import type { Jwk } from '../../lib/testing/provider/keys.js';
import { AUDIENCE, createApp, onBothAdapters, type Adapter } from '../support/app/apps.js';
import {
  expectBadProof,
  expectBadToken,
  expectDependency,
  expectNoAuth,
  expectNoSecrets,
} from '../support/app/outcomes.js';
import { jwtAccessToken } from '../support/tokens/access-token.js';
import { dpopKey, dpopProof, type ProofRequest } from '../support/tokens/dpop.js';
import { storeThat } from '../support/store/stores.js';

@Controller()
@UseGuards(OidcGuard)
class StreamController {
  @Sse('stream')
  stream() {
    return from([{ data: 'one' }, { data: 'two' }]);
  }

  @Get('health')
  @Public()
  health() {
    return { status: 'ok' };
  }
}

const throwBug = (): never => {
  throw new TypeError('a secret detail');
};

/** An API that takes proofs, and a call to it whose proof is good but for this. */
async function proving(adapter: Adapter, store?: OidcStore) {
  const resourceServer = { audience: AUDIENCE, resource: AUDIENCE, dpop: {} };
  const app = await createApp({ adapter, options: { resourceServer, store } });
  const key = dpopKey();
  const token = app.op.issue({ cnf: { jkt: key.jkt } });
  const call = (change: Partial<ProofRequest> = {}) => {
    const dpop = dpopProof(key, { url: `${AUDIENCE}/orders`, accessToken: token, ...change });
    return app.request('/orders', { headers: { authorization: `DPoP ${token}`, dpop } });
  };
  return { app, key, call };
}

onBothAdapters((adapter) => {
  it('NEST-20 a stream is guarded when it begins, and goes on', async () => {
    const app = await createApp({ adapter, controllers: [StreamController] });
    expect((await app.request('/stream')).status).toBe(401);
    const response = await app.call('/stream', app.op.issue());
    expect(response.status).toBe(200);
    expect(response.body).toContain('data: two');
  });

  it('NEST-20 a stream goes on after its token is over', async () => {
    const events = new Subject<{ data: string }>();
    @Controller('events')
    @UseGuards(OidcGuard)
    class EventsController {
      @Sse()
      events() {
        return events;
      }
    }
    const app = await createApp({ adapter, controllers: [EventsController] });
    const token = app.op.issue();
    const answer = request(`${app.address}/events`, { headers: { authorization: `Bearer ${token}` } });
    while (!events.observed) {
      await setImmediate();
    }
    events.next({ data: 'one' });
    const { body } = await answer;
    let received = '';
    body.on('data', (chunk) => (received += String(chunk)));
    while (!received.includes('data: one')) {
      await once(body, 'data');
    }
    app.clock.advance(7200);
    expectBadToken(app, await app.call('/events', token), 'TOKEN_INACTIVE');
    events.next({ data: 'two' });
    events.complete();
    await once(body, 'end');
    expect(received.match(/data: .*/g)).toEqual(['data: one', 'data: two']);
  });

  it('NEST-22 while the server is down the application is alive, and says that it is not ready', async () => {
    const app = await createApp({ adapter, controllers: [StreamController] });
    await expect(app.nest.get(OidcClient).ready()).resolves.toBeUndefined();
    const port = await app.op.die();
    expect((await app.request('/health')).json()).toEqual({ status: 'ok' });
    await expect(app.nest.get(OidcClient).ready()).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
    expectDependency(app, await app.call('/stream', 'token'), 'UPSTREAM_UNAVAILABLE');
    await app.op.revive(port);
    await expect(app.nest.get(OidcClient).ready()).resolves.toBeUndefined();
  });

  it.each<[string, Jwk]>([
    ['is not on its curve', { y: dpopKey().jwk['y'] }],
    ['is no point at all', { x: 'AA' }],
    ['is not base64url', { x: '=?!' }],
  ])('NEST-02 a proof whose key %s is a bad proof', async (_what, members) => {
    const { app, key, call } = await proving(adapter);
    expectBadProof(app, await call({ header: { jwk: { ...key.jwk, ...members } } }));
    expect(app.op.count()).toBe(0);
    expect((await call()).status).toBe(200);
  });

  it('NEST-02 a token whose key can not be used is a bad token, and the others are good', async () => {
    const app = await createApp({ adapter, options: { resourceServer: { audience: AUDIENCE, validation: 'jwt' } } });
    const { kid } = app.op.key('ES256');
    app.op.jwks(({ keys }) => ({ keys: keys.map((key) => (key['kid'] === kid ? { ...key, x: 'AA' } : key)) }));
    expectBadToken(app, await app.call('/orders', jwtAccessToken(app.op)), 'TOKEN_INVALID');
    expect((await app.call('/orders', jwtAccessToken(app.op, { alg: 'ES384' }))).status).toBe(200);
  });

  it('NEST-02 a fetch that throws is a dependency that fails', async () => {
    const token = 'a-token-that-must-not-be-told';
    const failing = async (url: string, init: RequestInit) => {
      if (url.endsWith('/introspect')) {
        throw new TypeError(`can not send ${token}`);
      }
      return fetch(url, init);
    };
    const app = await createApp({ adapter, client: { [customFetch]: failing } });
    const response = await app.call('/orders', token);
    expectDependency(app, response, 'UPSTREAM_UNAVAILABLE');
    expect(app.op.count('discovery')).toBe(1);
    expectNoSecrets(app, response, [token]);
  });

  it.each([
    ['at once', () => throwBug()],
    ['later', async () => throwBug()],
  ])('NEST-02 a bug of a store for proofs, which throws %s, is a 500 that says nothing', async (_when, claim) => {
    const { app, call } = await proving(adapter, Object.assign(new MemoryStore(), { claim }));
    const response = await call();
    expect([response.status, response.json()]).toEqual([500, { statusCode: 500, message: 'Internal server error' }]);
    expect([app.handled, app.refusals]).toEqual([[], []]);
    expect(app.errors).toEqual([expect.objectContaining({ name: 'TypeError' })]);
  });

  it('NEST-02 a bug of a store for the cache is a cache that keeps nothing, and the operator is told', async () => {
    const store = storeThat(throwBug);
    const app = await createApp({ adapter, options: { store, resourceServer: { audience: AUDIENCE, cache: {} } } });
    const [good, bad] = [app.op.issue(), 'unknown'];
    expect((await app.call('/orders', good)).status).toBe(200);
    expect((await app.call('/orders', good)).status).toBe(200);
    expectBadToken(app, await app.call('/orders', bad), 'TOKEN_INACTIVE');
    expect(app.op.count('introspect')).toBe(3);
    expect(app.logs.filter(({ text }) => text.includes('the store failed'))).toHaveLength(1);
    expectNoSecrets(app, undefined, ['a secret detail']);
  });

  it('RS-14 RS-15 a token in a form body is none', async () => {
    const app = await createApp({ adapter });
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    const token = app.op.issue({ scope: 'orders:write' });
    expectNoAuth(app, await app.post('/orders', `access_token=${token}`, type));
    const both = await app.post('/orders', 'access_token=other', { ...type, authorization: `Bearer ${token}` });
    expect(both.status).toBe(201);
  });

  it('RS-35 RS-36 what is public swallows no error, because it asks nobody', async () => {
    const app = await createApp({ adapter, controllers: [StreamController] });
    app.op.answer('introspect', { status: 503 });
    expect((await app.call('/health', 'expired')).status).toBe(200);
    expect(app.op.count()).toBe(0);
  });
});
