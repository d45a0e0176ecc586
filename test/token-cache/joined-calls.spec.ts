import { setTimeout } from 'node:timers/promises';

import { describe, expect, it } from '@jest/globals';

import { MemoryStore, OidcClient, type OidcStore } from '../../lib/index.js';
import { createApp, onBothAdapters, type TestApp } from '../support/app/apps.js';
import { startProvider } from '../support/provider/provider.js';
import { storeLike } from '../support/store/stores.js';

const CACHE = { ttl: 30, negativeTtl: 5 };

onBothAdapters((adapter) => {
  /** Two applications with one store, as replicas of one. */
  const replicas = async (store: OidcStore = new MemoryStore()): Promise<readonly [TestApp, TestApp]> => {
    const op = await startProvider();
    const options = { resourceServer: { audience: 'https://api.test', cache: CACHE }, store };
    return [await createApp({ adapter, op, options }), await createApp({ adapter, op, options })];
  };

  const slowly = (op: TestApp['op']) =>
    op.answer('introspect', async (_request, next) => setTimeout(30).then(() => next()));

  const everywhere = async (apps: readonly TestApp[], token: string, times = 10): Promise<readonly number[]> => {
    const calls = apps.flatMap((app) => Array.from({ length: times }, () => app.call('/orders', token)));
    return [...new Set((await Promise.all(calls)).map(({ status }) => status))].toSorted();
  };

  describe('replicas that are asked about one token at the same time', () => {
    it('ask the server once', async () => {
      const apps = await replicas();
      const { op } = apps[0];
      slowly(op);
      const token = op.issue();
      expect(await everywhere(apps, token)).toEqual([200]);
      expect(op.count('introspect')).toBe(1);
      apps[0].clock.advance(30);
      expect(await everywhere(apps, token)).toEqual([200]);
      expect(op.count('introspect')).toBe(2);
    });

    it('ask each for themselves where there is nothing to share: the token is not active', async () => {
      const apps = await replicas();
      slowly(apps[0].op);
      expect(await everywhere(apps, 'unknown')).toEqual([401]);
      expect(apps[0].op.count('introspect')).toBe(2);
    });

    it('ask for themselves when the one who asked got no answer', async () => {
      const apps = await replicas();
      const { op } = apps[0];
      op.answer('introspect', { status: 503 }, { times: 1 });
      expect(await everywhere(apps, op.issue())).toEqual([200, 503]);
      expect(op.count('introspect')).toBe(2);
    });

    it('wait a second at most for one who does not come back', async () => {
      const store = new MemoryStore();
      const claimed: string[] = [];
      const abandoned = storeLike(store, { claim: (key) => claimed.push(key) === 0 });
      const [app] = await replicas(abandoned);
      const started = performance.now();
      expect((await app.call('/orders', app.op.issue())).status).toBe(200);
      expect(performance.now() - started).toBeGreaterThan(900);
      expect(performance.now() - started).toBeLessThan(4000);
      expect(claimed.length).toBeLessThan(30);
    });

    it('are not told what was asked before the token was forgotten', async () => {
      const apps = await replicas();
      const { op } = apps[0];
      const token = op.issue();
      op.answer('introspect', async (_request, next) => {
        const answer = await next();
        await apps[1].nest.get(OidcClient).revoke(token);
        return answer;
      });
      expect((await apps[0].call('/orders', token)).status).toBe(200);
      expect((await apps[1].call('/orders', token)).status).toBe(401);
    });
  });
});
