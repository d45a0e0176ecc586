import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';

import { expect, it } from '@jest/globals';
import { Controller, Get, UseGuards } from '@nestjs/common';

import {
  AccessToken,
  Introspection,
  MemoryStore,
  OidcClient,
  OidcGuard,
  Scopes,
  clockTolerance,
  type OidcStore,
  type VerifiedAccessToken,
} from '../../lib/index.js';
import { Sealer } from '../../lib/storage/sealer.js';
import { createApp, onBothAdapters, type AppSetup, type TestApp } from '../support/app/apps.js';
import { expectBadToken } from '../support/app/outcomes.js';
import type { HostileProvider } from '../support/provider/hostile-provider.js';
import { lateAnswer } from '../support/provider/late-answer.js';
import { CLIENT_SECRET, startProvider } from '../support/provider/provider.js';
import { ObservedStore } from '../support/store/stores.js';

@Controller()
@UseGuards(OidcGuard)
class RoutesController {
  @Get('kept')
  kept(@AccessToken() token: VerifiedAccessToken) {
    return { sub: token.sub };
  }

  @Get('anew')
  @Introspection({ maxAge: 0 })
  anew() {
    return { ok: true };
  }

  @Get('stale')
  @Introspection({ staleIfError: 300 })
  stale(@AccessToken() { isStale }: VerifiedAccessToken) {
    return { isStale };
  }

  @Get('admin')
  @Scopes('admin')
  admin() {
    return { ok: true };
  }
}

const AUDIENCE = 'https://api.test';

onBothAdapters((adapter) => {
  const boot = async (store: OidcStore | undefined, more: Partial<AppSetup & { readonly op: HostileProvider }> = {}) =>
    createApp({
      adapter,
      controllers: [RoutesController],
      ...more,
      options: { resourceServer: { audience: AUDIENCE, cache: { ttl: 30 } }, store, ...more.options },
    });
  const asked = (app: TestApp) => app.op.count('introspect');

  it.each<[string, () => OidcStore | undefined]>([
    ['in the process', () => undefined],
    ['in a shared store', () => new MemoryStore()],
  ])('CACHE-04 that a token is not active any more stands above what was kept %s', async (_where, store) => {
    const app = await boot(store());
    const token = app.op.issue();
    expect((await app.call('/kept', token)).status).toBe(200);
    app.op.expire(token);
    expectBadToken(app, await app.call('/anew', token), 'TOKEN_INACTIVE');
    expectBadToken(app, await app.call('/kept', token), 'TOKEN_INACTIVE');
    expect(asked(app)).toBe(2);
    app.clock.advance(31);
    app.op.answer('introspect', { status: 503 });
    expect((await app.call('/stale', token)).status).toBe(503);
  });

  it('CACHE-04 the other replicas are told that it is not active any more', async () => {
    const store = new MemoryStore();
    const here = await boot(store);
    const there = await boot(store, { op: here.op });
    const token = here.op.issue();
    expect((await here.call('/kept', token)).status).toBe(200);
    expect((await there.call('/kept', token)).status).toBe(200);
    here.op.expire(token);
    expectBadToken(here, await here.call('/anew', token), 'TOKEN_INACTIVE');
    expectBadToken(there, await there.call('/kept', token), 'TOKEN_INACTIVE');
  });

  it('CACHE-11 a store that comes back with an old entry is believed no more than its time', async () => {
    const store = new ObservedStore();
    const app = await boot(store);
    const token = app.op.issue();
    expect((await app.call('/kept', token)).status).toBe(200);
    app.op.expire(token);
    app.clock.advance(300);
    let left = 1;
    store.fails = (call, key) => call === 'get' && key.startsWith('introspection:') && left-- > 0;
    expectBadToken(app, await app.call('/kept', token), 'TOKEN_INACTIVE');
    expect(asked(app)).toBe(2);
  });

  it.each<[string, string | undefined, object, number]>([
    ['knows no secret of ours', undefined, {}, 401],
    ['guesses', 'a-guess-of-32-bytes-or-more-in-length', {}, 401],
    ['knows the client secret, but not what a claim is', CLIENT_SECRET, { exp: 'later' }, 401],
    ['is one of us', CLIENT_SECRET, {}, 200],
  ])('CACHE-13 a token that was made up and written into the store by who %s', async (_who, secret, more, status) => {
    const store = new ObservedStore();
    const app = await boot(store);
    const read: string[] = [];
    store.fails = (call, key) => call === 'get' && key.startsWith('introspection:') && read.push(key) < 0;
    expect((await app.call('/admin', 'made-up')).status).toBe(401);
    const key = read[0]?.replace('introspection:', '') ?? '';
    app.clock.advance(6);
    const now = app.clock.now();
    const claims = { active: true, aud: AUDIENCE, scope: 'admin', ...more };
    const sealer = new Sealer([JSON.stringify(['made-up', secret])]);
    store.set(`introspection:${key}`, sealer.seal('introspection', key, [now, claims], now + 60_000), 60_000);
    expect((await app.call('/admin', 'made-up')).status).toBe(status);
  });

  it('CACHE-09 an entry that is too large for the store is asked about anew, and worries nobody', async () => {
    const app = await boot(new MemoryStore());
    const token = app.op.issue({ roles: 'x'.repeat(13_000) });
    for (let time = 0; time < 3; time += 1) {
      expect((await app.call('/kept', token)).status).toBe(200);
    }
    expect(asked(app)).toBe(3);
    expect(app.logs.filter(({ level }) => level === 'warn')).toEqual([]);
  });

  it('CACHE-04 a token that is known not to be active costs the store nothing', async () => {
    const store = new ObservedStore();
    const app = await boot(store);
    expectBadToken(app, await app.call('/kept', 'unknown'), 'TOKEN_INACTIVE');
    expect(store.calls).toHaveLength(6);
    for (let time = 0; time < 5; time += 1) {
      expectBadToken(app, await app.call('/kept', 'unknown'), 'TOKEN_INACTIVE');
    }
    expect(store.calls).toHaveLength(6);
  });

  it('a call that is on its way at a replica whose clock is ahead does not undo a forget, without any tolerance too', async () => {
    const store = new MemoryStore();
    const op = await startProvider();
    const client = { [clockTolerance]: 0 };
    const here = await boot(store, { op, client });
    const there = await boot(store, { op, client });
    const token = op.issue();
    const held = lateAnswer(op, 'introspect');
    const early = there.call('/kept', token);
    await held.isMade;
    op.expire(token);
    op.clock.advance(-4);
    await here.nest.get(OidcClient).forget(token);
    op.clock.advance(4);
    held.send();
    expect((await early).status).toBe(200);
    expectBadToken(here, await here.call('/kept', token), 'TOKEN_INACTIVE');
  });

  it('CACHE-11 who wants it anew is not given what another replica asked before', async () => {
    const store = new MemoryStore();
    const observed = new ObservedStore(store);
    const here = await boot(store);
    const there = await boot(observed, { op: here.op });
    const token = here.op.issue();
    const held = lateAnswer(here.op, 'introspect');
    const first = here.call('/kept', token);
    await held.isMade;
    here.op.expire(token);
    const looks = () => observed.calls.filter((call) => call === 'claim asking').length;
    const second = there.call('/kept', token);
    while (looks() === 0) {
      await setImmediate();
    }
    const arrived = once(there.nest.getHttpServer(), 'request');
    const third = there.call('/anew', token);
    await arrived;
    const before = looks();
    // Whoever would join the one that waits has done so when that looks again.
    while (looks() < before + 2 && asked(here) === 1) {
      await setImmediate();
    }
    held.send();
    expectBadToken(there, await third, 'TOKEN_INACTIVE');
    expect((await first).status).toBe(200);
    await second;
  });

  it('staleIfError: not when it is our own callers who are too many', async () => {
    const app = await boot(undefined, { options: { http: { maxConcurrent: 1, timeout: 2000 } } });
    const token = app.op.issue();
    expect((await app.call('/stale', token)).status).toBe(200);
    app.op.expire(token);
    app.clock.advance(31);
    let answer: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (answer = resolve));
    app.op.answer('introspect', async (_request, next) => held.then(next));
    const strangers = Array.from({ length: 11 }, (_, index) => app.call('/kept', `unknown-${index}`));
    await app.op.arrival('introspect', 2);
    expect((await app.call('/stale', token)).status).toBe(503);
    answer();
    await Promise.all(strangers);
  });

  it('staleIfError: counts from the end of the time that the route grants', async () => {
    @Controller()
    @UseGuards(OidcGuard)
    class HastyController {
      @Get('hasty')
      @Introspection({ maxAge: 5, staleIfError: 10 })
      hasty() {
        return { ok: true };
      }
    }
    const app = await boot(undefined, { controllers: [HastyController] });
    const token = app.op.issue();
    expect((await app.call('/hasty', token)).status).toBe(200);
    app.op.answer('introspect', { status: 503 });
    app.clock.advance(14);
    expect((await app.call('/hasty', token)).status).toBe(200);
    app.clock.advance(1);
    expect((await app.call('/hasty', token)).status).toBe(503);
  });
});
