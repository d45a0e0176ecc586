import 'reflect-metadata';
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startKit, type Kit } from './kit.js';

void describe('the test kit with node:test', () => {
  let kit: Kit;

  before(async () => {
    kit = await startKit();
  });

  after(() => kit.close());

  void it('tests a guarded route', async () => {
    const token = await kit.provider.accessToken({ sub: 'alice', scope: 'orders:read' });
    assert.deepEqual(await kit.get('/orders', { authorization: `Bearer ${token}` }), [200, { owner: 'alice' }]);
  });

  void it('tests a session route', async () => {
    const cookie = await kit.provider.signIn(kit.app, { sub: 'alice', claims: { email: 'a@example.com' } });
    assert.deepEqual(await kit.get('/account', { cookie }), [200, { sub: 'alice', email: 'a@example.com' }]);
  });
});
