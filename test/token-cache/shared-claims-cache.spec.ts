import { expect, it } from '@jest/globals';

import { MemoryStore } from '../../lib/index.js';
import { createApp, onBothAdapters } from '../support/app/apps.js';
import type { HostileProvider } from '../support/provider/hostile-provider.js';
import { startProvider } from '../support/provider/provider.js';

/** Remembers the key of every call. */
class WatchedStore extends MemoryStore {
  readonly keys = new Set<string>();

  override get(key: string): string | undefined {
    this.keys.add(key);
    return super.get(key);
  }

  override set(key: string, value: string, lifetime: number): void {
    this.keys.add(key);
    super.set(key, value, lifetime);
  }

  override delete(key: string): void {
    this.keys.add(key);
    super.delete(key);
  }
}

/** Whatever token it is asked about, it says who it is for. */
const says = (op: HostileProvider, subjectOf: (token: string) => string) =>
  op.introspectionResponse({
    body: (_members, { form: { token = '' } }) => ({
      active: true,
      sub: subjectOf(token),
      aud: 'https://api.test',
      scope: 'orders:read',
    }),
  });

onBothAdapters((adapter) => {
  const boot = (op: HostileProvider, client_id: string, store: WatchedStore) =>
    createApp({
      adapter,
      op,
      client: { client_id },
      options: { resourceServer: { audience: 'https://api.test', cache: {} }, store },
    });

  it('INTRO-24 CACHE-01 what a server said to one client is not for another, nor of another server', async () => {
    const store = new WatchedStore();
    const [op, second] = [await startProvider(), await startProvider()];
    const token = 'one-token-that-both-servers-know';
    const [rp1, rp2] = [await boot(op, 'rp1', store), await boot(op, 'rp2', store)];
    const elsewhere = await boot(second, 'rp1', store);
    says(op, () => 'alice');
    says(second, () => 'bob');
    for (let time = 0; time < 2; time += 1) {
      expect((await rp1.call('/orders', token)).json()).toMatchObject({ sub: 'alice' });
      expect((await rp2.call('/orders', token)).json()).toMatchObject({ sub: 'alice' });
      expect((await elsewhere.call('/orders', token)).json()).toMatchObject({ sub: 'bob' });
    }
    expect([op.count('introspect'), second.count('introspect')]).toEqual([2, 1]);
  });

  it('INTRO-24 CACHE-01 tokens that differ in their last letter are two, and stand in no key and no log', async () => {
    const store = new WatchedStore();
    const op = await startProvider();
    const app = await boot(op, 'rp1', store);
    says(op, (token) => token.slice(-1));
    const start = 'x'.repeat(64);
    for (let time = 0; time < 2; time += 1) {
      expect((await app.call('/orders', `${start}a`)).json()).toMatchObject({ sub: 'a' });
      expect((await app.call('/orders', `${start}b`)).json()).toMatchObject({ sub: 'b' });
    }
    expect(op.count('introspect')).toBe(2);
    expect([...store.keys].filter((key) => key.startsWith('introspection:'))).toHaveLength(2);
    expect([...store.keys].join()).not.toContain(start);
    expect(app.logs.map(({ text }) => text).join()).not.toContain(start);
  });
});
