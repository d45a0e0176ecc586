import 'reflect-metadata';
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { OIDC_CLOCK, OIDC_OPTIONS } from 'nestjs-oidc';
import { TestProvider } from 'nestjs-oidc/testing';
import { AppModule } from './app.module.js';

void describe('the shop', () => {
  let provider: TestProvider;
  let app: INestApplication;

  before(async () => {
    provider = await TestProvider.start();
    const module = await Test.createTestingModule({ imports: [AppModule] })
      .overrideProvider(OIDC_OPTIONS)
      .useFactory(provider.optionsFactory())
      .overrideProvider(OIDC_CLOCK)
      .useValue(provider.clock.now)
      .compile();
    app = module.createNestApplication();
    await app.listen(0, '127.0.0.1');
  });

  after(async () => {
    // Where the boot failed there is no application.
    await app?.close();
    await provider.close();
  });

  async function get(path: string, headers: Record<string, string>): Promise<[status: number, body: unknown]> {
    const response = await fetch((await app.getUrl()) + path, { headers });
    return [response.status, await response.json()];
  }

  async function statusOf(path: string, headers: Record<string, string>): Promise<number> {
    const [status] = await get(path, headers);
    return status;
  }

  void it('shows orders to who may read them', async () => {
    const token = await provider.accessToken({ sub: 'alice', scope: 'orders:read' });
    assert.deepEqual(await get('/orders', { authorization: `Bearer ${token}` }), [200, { owner: 'alice' }]);
  });

  void it('shows no orders to others', async () => {
    const [other, old] = await Promise.all([
      provider.accessToken({ scope: 'profile' }),
      provider.accessToken({ scope: 'orders:read', expiresIn: -60 }),
    ]);
    assert.equal(await statusOf('/orders', { authorization: `Bearer ${other}` }), 403);
    assert.equal(await statusOf('/orders', { authorization: `Bearer ${old}` }), 401);
  });

  void it('shows an account to who is signed in', async () => {
    const cookie = await provider.signIn(app, { sub: 'alice', claims: { email: 'alice@example.com' } });
    assert.deepEqual(await get('/account', { cookie }), [200, { email: 'alice@example.com' }]);
  });

  void it('shows reports to accountants', async () => {
    const [alice, bob] = await Promise.all([
      provider.signIn(app, { sub: 'alice', roles: ['accountant'] }),
      provider.signIn(app, { sub: 'bob' }),
    ]);
    assert.equal(await statusOf('/account/reports', { cookie: alice }), 200);
    assert.equal(await statusOf('/account/reports', { cookie: bob }), 403);
  });

  void it('serves a known token while the provider is away, and no longer than the cache', async () => {
    const token = await provider.accessToken({ scope: 'orders:read' });
    const headers = { authorization: `Bearer ${token}` };
    assert.equal(await statusOf('/orders', headers), 200);
    provider.fails('introspection', 503);
    assert.equal(await statusOf('/orders', headers), 200);
    provider.clock.advance({ minutes: 1 });
    assert.equal(await statusOf('/orders', headers), 503);
    provider.recovers();
  });
});
