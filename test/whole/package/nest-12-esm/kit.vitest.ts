import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startKit, type Kit } from './src/kit.js';

describe('the test kit with Vitest', () => {
  let kit: Kit;

  beforeAll(async () => {
    kit = await startKit();
  });

  afterAll(() => kit.close());

  it('tests a guarded route', async () => {
    const token = await kit.provider.accessToken({ sub: 'alice', scope: 'orders:read' });
    expect(await kit.get('/orders', { authorization: `Bearer ${token}` })).toEqual([200, { owner: 'alice' }]);
  });

  it('tests a session route', async () => {
    const cookie = await kit.provider.signIn(kit.app, { sub: 'alice', claims: { email: 'a@example.com' } });
    expect(await kit.get('/account', { cookie })).toEqual([200, { sub: 'alice', email: 'a@example.com' }]);
  });
});
