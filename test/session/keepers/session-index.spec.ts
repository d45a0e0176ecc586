import { createHash } from 'node:crypto';

import { describe, expect, it } from '@jest/globals';
import { Controller, Inject, Param, Post } from '@nestjs/common';

import { MemoryStore, OidcSession, type OidcModuleOptions } from '../../../lib/index.js';
import { ClientSessions } from '../../../lib/session/client-sessions.js';
import { clientSessionsToken } from '../../../lib/nest/tokens.js';
import { createApp, onBothAdapters, SESSION_SECRET, type Adapter, type TestApp } from '../../support/app/apps.js';
import { CONTROLLERS } from '../../support/app/app-controllers.js';
import { expectRefused } from '../../support/app/outcomes.js';
import { Browser } from '../../support/browser/browser.js';
import type { HostileProvider } from '../../support/provider/hostile-provider.js';
import { startProvider } from '../../support/provider/provider.js';
import { ObservedStore } from '../../support/store/stores.js';

@Controller('everywhere')
class EverywhereController {
  constructor(@Inject(OidcSession) private readonly session: OidcSession) {}

  @Post(':sub')
  async signOut(@Param('sub') sub: string) {
    await this.session.endAll(sub);
    return {};
  }

  @Post(':sub/revoke')
  async revoke(@Param('sub') sub: string) {
    await this.session.endAll(sub, { revoke: true });
    return {};
  }
}

/** Two replicas on one store. */
async function replicas(adapter: Adapter, options: Partial<OidcModuleOptions> = {}) {
  const op = await startProvider();
  const memory = new MemoryStore({ now: op.clock.now });
  const boot = async () => {
    const store = new ObservedStore(memory);
    const controllers = [...CONTROLLERS, EverywhereController];
    const app = await createApp({
      adapter,
      op,
      controllers,
      publicUrl: 'https://app.test',
      options: { store, ...options },
    });
    return { app, store, sessions: app.nest.get<ClientSessions>(clientSessionsToken()) };
  };
  return { op, memory, one: await boot(), other: await boot() };
}

/** A person who is signed in with a session of the provider. */
async function signedIn(app: TestApp, op: HostileProvider, sub = 'alice', sid?: string): Promise<Browser> {
  op.user = { sub };
  op.idToken({ claims: (all) => ({ ...all, ...(sid !== undefined && { sid }) }) });
  const browser = new Browser(app);
  expect((await browser.login()).status).toBe(303);
  return browser;
}

const statuses = (browsers: readonly Browser[]) =>
  Promise.all(browsers.map(async (browser) => (await browser.get('/me')).status));

onBothAdapters((adapter) => {
  describe.each(['store', 'cookie'] as const)('sessions in a %s', (keep) => {
    const session = { secret: SESSION_SECRET, keep };

    it('BCL end by the sub at every replica, and those of others go on', async () => {
      const { op, one, other } = await replicas(adapter, { session });
      const browsers = [
        await signedIn(one.app, op, 'alice', 'S1'),
        await signedIn(other.app, op, 'alice', 'S2'),
        await signedIn(one.app, op, 'bob', 'S3'),
      ];
      op.clock.advance(1);
      expect((await other.app.post('/everywhere/alice')).status).toBe(201);
      expect(await statuses(browsers)).toEqual([401, 401, 200]);
      op.clock.advance(1);
      expect(await statuses([await signedIn(one.app, op, 'alice', 'S4')])).toEqual([200]);
    });

    it('BCL end by the sid alone', async () => {
      const { op, one, other } = await replicas(adapter, { session });
      const browsers = [await signedIn(one.app, op, 'alice', 'S1'), await signedIn(one.app, op, 'alice', 'S2')];
      op.clock.advance(1);
      await other.sessions.endAll({ sid: 'S2' }, { revoke: false });
      await other.sessions.endAll({ sid: 'alice' }, { revoke: false });
      await other.sessions.endAll({ sub: 'S1' }, { revoke: false });
      expect(await statuses(browsers)).toEqual([200, 401]);
    });

    it('SESS-13 a copy of the cookie is nobody after the logout, and the other sessions of the person go on', async () => {
      const { op, one, other } = await replicas(adapter, { session });
      const browser = await signedIn(one.app, op, 'alice', 'S1');
      op.clock.advance(1);
      const second = await signedIn(one.app, op, 'alice', 'S1');
      const copy = `__Host-oidc-session=${browser.jar.get('__Host-oidc-session')?.value}`;
      expect((await browser.post('/auth/logout')).status).toBe(200);
      expectRefused(other.app, await other.app.get('/me', { cookie: copy }), 401, 'SESSION_MISSING');
      expect(await statuses([second])).toEqual([200]);
    });

    it('REDIS-02 REDIS-09 say when they can not be ended, and another try ends them', async () => {
      const { op, one } = await replicas(adapter, { session });
      const browser = await signedIn(one.app, op);
      op.clock.advance(1);
      one.store.fails = () => true;
      expect([(await one.app.post('/everywhere/alice')).status, one.app.lastCode]).toEqual([503, 'STORE_UNAVAILABLE']);
      expect(await statuses([browser])).toEqual([503]);
      one.store.fails = () => false;
      expect(await statuses([browser])).toEqual([200]);
      await one.app.post('/everywhere/alice');
      expect(await statuses([browser])).toEqual([401]);
    });

    it('keep nothing in the store that names a person or a session of the provider', async () => {
      const { op, one } = await replicas(adapter, { session });
      const seen: string[] = [];
      for (const call of ['set', 'add'] as const) {
        const own = one.store[call].bind(one.store);
        one.store[call] = (key: string, value: string, lifetime: number) => {
          seen.push(key, value);
          own(key, value, lifetime);
        };
      }
      await signedIn(one.app, op, 'a-long-name', 'a-long-sid');
      await one.app.post('/everywhere/a-long-name');
      const hash = createHash('sha256').update('a-long-name').digest('base64url');
      expect(seen.length).toBeGreaterThan(0);
      expect(seen.join()).not.toMatch(new RegExp(`a-long|${hash}`));
    });
  });

  it('BCL revokes the refresh tokens of ended sessions where it is asked to', async () => {
    const { op, one, other } = await replicas(adapter, { login: { scope: 'openid offline_access' } });
    await signedIn(one.app, op);
    await signedIn(one.app, op, 'bob');
    await other.app.post('/everywhere/bob');
    expect(op.count('revoke')).toBe(0);
    expect((await other.app.post('/everywhere/alice/revoke')).status).toBe(201);
    expect(op.requests('revoke').map(({ form }) => form['token_type_hint'])).toEqual(['refresh_token']);
  });

  it('BCL another try revokes what could not be revoked, and nothing a second time', async () => {
    const { op, one, other } = await replicas(adapter, { login: { scope: 'openid offline_access' } });
    const browsers = [await signedIn(one.app, op), await signedIn(one.app, op)];
    op.answer('revoke', { status: 503 });
    expect((await other.app.post('/everywhere/alice/revoke')).status).toBeGreaterThanOrEqual(500);
    expect(await statuses(browsers)).toEqual([401, 401]);
    op.answer('revoke', { status: 200 });
    const before = op.count('revoke');
    expect((await other.app.post('/everywhere/alice/revoke')).status).toBe(201);
    expect(op.count('revoke') - before).toBe(2);
    expect((await other.app.post('/everywhere/alice/revoke')).status).toBe(201);
    expect(op.count('revoke') - before).toBe(2);
  });

  it('sessions in cookies without a store can not be ended so', async () => {
    const app = await createApp({ adapter });
    const sessions = app.nest.get<ClientSessions>(clientSessionsToken());
    await expect(sessions.endAll({ sub: 'alice' }, { revoke: false })).rejects.toMatchObject({
      name: 'ConfigError',
      member: 'store',
    });
  });
});
