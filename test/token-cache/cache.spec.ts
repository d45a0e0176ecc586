import { once } from 'node:events';
import { connect } from 'node:net';

import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Req, UseGuards } from '@nestjs/common';

import {
  AccessToken,
  Introspection,
  MemoryStore,
  OidcClient,
  OidcGuard,
  Scopes,
  StoreError,
  type OidcStore,
  type VerifiedAccessToken,
} from '../../lib/index.js';
import { createApp, onBothAdapters, type TestApp } from '../support/app/apps.js';
import { expectBadToken, expectDependency, expectInsufficientScope } from '../support/app/outcomes.js';
import { lateAnswer } from '../support/provider/late-answer.js';
import { storeLike, storeThat } from '../support/store/stores.js';

@Controller()
@UseGuards(OidcGuard)
class CachedController {
  @Get('kept')
  kept(@AccessToken() token: VerifiedAccessToken) {
    return { sub: token.sub, isStale: token.isStale };
  }

  @Get('fresh')
  @Introspection({ maxAge: 5 })
  fresh() {
    return { ok: true };
  }

  @Get('stale')
  @Introspection({ staleIfError: 60 })
  stale(@AccessToken() { isStale }: VerifiedAccessToken) {
    return { isStale };
  }

  @Get('a')
  @Scopes('a')
  a() {
    return { ok: true };
  }

  @Get('b')
  @Scopes('b')
  b() {
    return { ok: true };
  }

  @Get('vandal')
  vandal(@Req() request: { user: VerifiedAccessToken }) {
    const claims: { sub?: string; nested?: { deep?: string } } = request.user.claims as object;
    const attempts = [() => (claims.sub = 'mallory'), () => (claims.nested!.deep = 'mallory')];
    return attempts.map((attempt) => {
      try {
        return attempt();
      } catch (error) {
        return (error as Error).name;
      }
    });
  }
}

const MALFORMED = { status: 200, headers: { 'content-type': 'application/json' }, body: '{"active":"yes"}' };

/** What the same requests do with the store that replicas share. */
const STORES: readonly [name: string, store: () => OidcStore | undefined][] = [
  ['in the process', () => undefined],
  ['in a shared store', () => new MemoryStore()],
];

onBothAdapters((adapter) => {
  describe.each(STORES)('%s', (_name, storeOf) => {
    const boot = (cache: object | undefined = { ttl: 30 }, store: OidcStore | undefined = storeOf()) =>
      createApp({
        adapter,
        controllers: [CachedController],
        options: { resourceServer: { audience: 'https://api.test', ...(cache && { cache }) }, store },
      });
    const asked = (app: TestApp) => app.op.count('introspect');

    it('off by default: each request asks', async () => {
      const app = await createApp({ adapter, controllers: [CachedController], options: { store: storeOf() } });
      const token = app.op.issue();
      await app.call('/kept', token);
      await app.call('/kept', token);
      expect(asked(app)).toBe(2);
    });

    it('CACHE-11 a token is asked about once in its time; a revocation elsewhere shows at its end', async () => {
      const app = await boot();
      const token = app.op.issue();
      expect((await app.call('/kept', token)).status).toBe(200);
      app.op.expire(token);
      app.clock.advance(29);
      expect((await app.call('/kept', token)).status).toBe(200);
      app.clock.advance(1);
      expectBadToken(app, await app.call('/kept', token), 'TOKEN_INACTIVE');
      expect(asked(app)).toBe(2);
    });

    it('1,000 requests at once with one token, cold, are one call', async () => {
      const app = await boot();
      const token = app.op.issue();
      const answers = await Promise.all(Array.from({ length: 1000 }, () => app.call('/kept', token)));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
      expect(asked(app)).toBe(1);
    });

    it('CACHE-01 tokens that begin alike are not one', async () => {
      const app = await boot();
      const [alice, bob] = [app.op.issue({ sub: 'alice' }), app.op.issue({ sub: 'bob' })];
      expect((await app.call('/kept', alice)).json()).toMatchObject({ sub: 'alice' });
      expect((await app.call('/kept', bob)).json()).toMatchObject({ sub: 'bob' });
      expectBadToken(app, await app.call('/kept', `${alice.slice(0, -1)}${alice.endsWith('A') ? 'B' : 'A'}`));
      expect(asked(app)).toBe(3);
    });

    it('CACHE-02 nothing is kept beyond the token’s own end', async () => {
      const app = await boot({ ttl: 3600 });
      const token = app.op.issue({ exp: app.clock.seconds + 10 });
      expect((await app.call('/kept', token)).status).toBe(200);
      app.clock.advance(9);
      expect((await app.call('/kept', token)).status).toBe(200);
      expect(asked(app)).toBe(1);
      app.clock.advance(1);
      await app.call('/kept', token);
      expect(asked(app)).toBe(2);
    });

    it('CACHE-04 that a token is not active is kept for five seconds, in a place of its own', async () => {
      const app = await boot({ ttl: 30, maxEntries: 10 });
      const good = app.op.issue();
      expect((await app.call('/kept', good)).status).toBe(200);
      for (let index = 0; index < 30; index += 1) {
        expectBadToken(app, await app.call('/kept', `unknown-${index}`), 'TOKEN_INACTIVE');
      }
      expectBadToken(app, await app.call('/kept', 'unknown-29'), 'TOKEN_INACTIVE');
      expect(asked(app)).toBe(31);
      expect((await app.call('/kept', good)).status).toBe(200);
      expect(asked(app)).toBe(31);
      app.clock.advance(5);
      await app.call('/kept', 'unknown-29');
      expect(asked(app)).toBe(32);
    });

    it('CACHE-05 a failure is never kept', async () => {
      const app = await boot();
      const token = app.op.issue();
      app.op.answer('introspect', { status: 503 }, { times: 1 });
      expectDependency(app, await app.call('/kept', token));
      app.op.answer('introspect', MALFORMED, { times: 1 });
      expectDependency(app, await app.call('/kept', token), 'INTROSPECTION_MALFORMED');
      expect((await app.call('/kept', token)).status).toBe(200);
    });

    it('SINTRO-03 CACHE-05 nor is an answer that had to be signed and was not, or badly', async () => {
      const app = await createApp({
        adapter,
        controllers: [CachedController],
        client: { introspection_signed_response_alg: 'ES256' },
        options: { resourceServer: { audience: 'https://api.test', cache: {} }, store: storeOf() },
      });
      const token = app.op.issue();
      app.op.introspectionResponse({ sign: 'stranger' });
      expectDependency(app, await app.call('/kept', token), 'SIGNATURE_INVALID');
      app.op.introspectionResponse({ as: 'json', body: () => ({ active: false }) });
      expectDependency(app, await app.call('/kept', token), 'SIGNED_RESPONSE_REQUIRED');
      app.op.reset();
      expect((await app.call('/kept', token)).status).toBe(200);
      expect(asked(app)).toBe(3);
    });

    it('CACHE-06 what is kept is what the token says, not what a route decided', async () => {
      const app = await boot();
      const token = app.op.issue({ scope: 'a' });
      expect((await app.call('/a', token)).status).toBe(200);
      expectInsufficientScope(app, await app.call('/b', token), 'b');
      expect((await app.call('/a', token)).status).toBe(200);
      expect(asked(app)).toBe(1);
    });

    it('CACHE-10 a handler can not change what the next one sees', async () => {
      const app = await boot();
      const token = app.op.issue({ nested: { deep: 'x' } });
      expect((await app.call('/vandal', token)).json()).toEqual(['TypeError', 'TypeError']);
      expect((await app.call('/kept', token)).json()).toEqual({ sub: 'alice', isStale: false });
    });

    it('one entry serves readers who want it fresh and readers who do not', async () => {
      const app = await boot();
      const token = app.op.issue();
      await app.call('/kept', token);
      app.clock.advance(4);
      await app.call('/fresh', token);
      expect(asked(app)).toBe(1);
      app.clock.advance(1);
      await app.call('/kept', token);
      expect(asked(app)).toBe(1);
      await app.call('/fresh', token);
      expect(asked(app)).toBe(2);
      app.clock.advance(27);
      await app.call('/kept', token);
      expect(asked(app)).toBe(2);
    });

    it.each<[string, (client: OidcClient, token: string) => Promise<void>]>([
      ['forget', (client, token) => client.forget(token)],
      ['revoke', (client, token) => client.revoke(token)],
    ])('%s ends what is kept', async (_what, end) => {
      const app = await boot();
      const token = app.op.issue();
      await app.call('/kept', token);
      app.op.expire(token);
      await end(app.nest.get(OidcClient), token);
      expectBadToken(app, await app.call('/kept', token), 'TOKEN_INACTIVE');
    });

    it('a call that is on its way does not undo that', async () => {
      const app = await boot();
      const token = app.op.issue();
      const held = lateAnswer(app.op, 'introspect');
      const early = app.call('/kept', token);
      await held.isMade;
      app.op.expire(token);
      await app.nest.get(OidcClient).forget(token);
      const late = app.call('/kept', token);
      await app.op.arrival('introspect', 2);
      held.send();
      expect((await early).status).toBe(200);
      expectBadToken(app, await late, 'TOKEN_INACTIVE');
      expectBadToken(app, await app.call('/kept', token), 'TOKEN_INACTIVE');
    });

    it('NET-27 whoever hangs up does not end the call for the others', async () => {
      const app = await boot();
      const token = app.op.issue();
      let answer: () => void = () => undefined;
      const held = new Promise<void>((resolve) => (answer = resolve));
      app.op.answer('introspect', async (_request, next) => held.then(next), { times: 1 });
      const socket = connect(Number(new URL(app.address).port), '127.0.0.1');
      socket.write(`GET /kept HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer ${token}\r\n\r\n`);
      await app.op.arrival('introspect');
      const other = app.call('/kept', token);
      socket.destroy();
      await once(socket, 'close');
      answer();
      expect((await other).status).toBe(200);
      expect(asked(app)).toBe(1);
    });

    it('staleIfError: the last word serves while the server is down, and is marked', async () => {
      const app = await boot();
      const token = app.op.issue({ exp: app.clock.seconds + 60 });
      expect((await app.call('/stale', token)).json()).toEqual({ isStale: false });
      app.op.answer('introspect', { status: 503 });
      app.clock.advance(31);
      expect((await app.call('/stale', token)).json()).toEqual({ isStale: true });
      expectDependency(app, await app.call('/kept', token));
      app.clock.advance(29);
      expectDependency(app, await app.call('/stale', token));
    });

    it('RFC 5861 staleIfError: at a 500 too, which speaks of one request', async () => {
      const app = await boot();
      const token = app.op.issue();
      await app.call('/stale', token);
      app.op.answer('introspect', { status: 500 });
      app.clock.advance(31);
      expect((await app.call('/stale', token)).json()).toEqual({ isStale: true });
      expectDependency(app, await app.call('/kept', token), 'UPSTREAM_ERROR');
    });

    it('staleIfError: for so long and no longer', async () => {
      const app = await boot();
      const token = app.op.issue();
      await app.call('/stale', token);
      app.op.answer('introspect', { status: 503 });
      app.clock.advance(89);
      expect((await app.call('/stale', token)).json()).toEqual({ isStale: true });
      app.clock.advance(1);
      expectDependency(app, await app.call('/stale', token));
    });

    it('staleIfError: not for what is no outage, and not for what was forgotten', async () => {
      const app = await boot();
      const token = app.op.issue();
      await app.call('/stale', token);
      app.clock.advance(31);
      app.op.answer('introspect', MALFORMED, { times: 1 });
      expectDependency(app, await app.call('/stale', token), 'INTROSPECTION_MALFORMED');
      await app.nest.get(OidcClient).forget(token);
      app.op.answer('introspect', { status: 503 });
      expectDependency(app, await app.call('/stale', token));
    });

    it('CLOCK-06 CLOCK-07 a clock that jumps makes nothing eternal', async () => {
      const app = await boot();
      const token = app.op.issue();
      await app.call('/kept', token);
      app.clock.advance(-3600);
      await app.call('/kept', token);
      expect(asked(app)).toBe(2);
      app.clock.advance(86_400);
      expectBadToken(app, await app.call('/kept', token));
    });
  });

  it('CACHE-13 what somebody else wrote into the store grants nothing', async () => {
    const store = new MemoryStore();
    const keys: string[] = [];
    const recording = storeLike(store, {
      set: (key, value, lifetime) => {
        keys.push(key, value);
        store.set(key, value, lifetime);
      },
    });
    const app = await createApp({
      adapter,
      controllers: [CachedController],
      options: { resourceServer: { audience: 'https://api.test', cache: {} }, store: recording },
    });
    const [good, bad] = [app.op.issue(), app.op.issue()];
    await app.call('/kept', good);
    const [key = '', value = ''] = keys;
    expect(keys.join(' ')).not.toContain(good);
    await app.call('/kept', bad);
    const [, , otherKey = ''] = keys;
    app.op.expire(bad);
    for (const forged of ['{"active":true}', value, `${value.slice(0, -2)}AA`, '', 'null']) {
      store.set(otherKey, forged, 30_000);
      expectBadToken(app, await app.call('/kept', bad), 'TOKEN_INACTIVE');
      app.clock.advance(5);
    }
    expect(key).not.toBe(otherKey);
    expect(app.logs.filter(({ message }) => String(message).includes('not written by this client'))).not.toEqual([]);
  });

  it('a store that can not be reached is as if nothing were kept, and is told once', async () => {
    const fails = () => {
      throw new StoreError('STORE_UNAVAILABLE', 'The store can not be reached.');
    };
    const store = storeThat(fails);
    const app = await createApp({
      adapter,
      controllers: [CachedController],
      options: { resourceServer: { audience: 'https://api.test', cache: {} }, store },
    });
    const token = app.op.issue();
    for (let time = 0; time < 3; time += 1) {
      expect((await app.call('/kept', token)).status).toBe(200);
    }
    expect(app.op.count('introspect')).toBe(3);
    expect(app.logs.filter(({ message }) => String(message).includes('not shared at the moment'))).toHaveLength(1);
    await expect(app.nest.get(OidcClient).forget(token)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  it('INTRO-19 a server that asks to be left alone is, for every token', async () => {
    const app = await createApp({ adapter });
    app.op.answer('introspect', { status: 429, headers: { 'retry-after': '7' } }, { times: 1 });
    expectDependency(app, await app.call('/orders', app.op.issue()), 'RATE_LIMITED', 7);
    expectDependency(app, await app.call('/orders', app.op.issue()), 'RATE_LIMITED', 7);
    expect(app.op.count('introspect')).toBe(1);
    app.clock.advance(7);
    expect((await app.call('/orders', app.op.issue())).status).toBe(200);
  });

  it('the provider dies and comes back: 503, then 200, without a restart', async () => {
    const app = await createApp({ adapter });
    const token = app.op.issue();
    expect((await app.call('/orders', token)).status).toBe(200);
    const port = await app.op.die();
    for (let time = 0; time < 12; time += 1) {
      expectDependency(app, await app.call('/orders', token), 'UPSTREAM_UNAVAILABLE');
    }
    await app.op.revive(port);
    app.clock.advance(5);
    expect((await app.call('/orders', token)).status).toBe(200);
  });
});

it.each([
  [{ ttl: 0 }, 'resourceServer.cache.ttl'],
  [{ negativeTtl: 11 }, 'resourceServer.cache.negativeTtl'],
  [{ maxEntries: 1.5 }, 'resourceServer.cache.maxEntries'],
  [{ size: 5 }, 'resourceServer.cache.size'],
])('%j is no cache', async (cache, member) => {
  const booting = createApp({
    adapter: 'express',
    options: { resourceServer: { audience: 'https://api.test', cache } as never },
  });
  await expect(booting).rejects.toMatchObject({ name: 'ConfigError', member });
});
