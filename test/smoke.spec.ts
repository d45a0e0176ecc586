import { expect, it } from '@jest/globals';

import { createApp, onBothAdapters } from './support/apps.js';

onBothAdapters((adapter) => {
  it('lets a good token pass, and refuses none, an unknown one and one without the scope', async () => {
    const app = await createApp({ adapter });
    const good = await app.call('/orders', app.op.issue());
    expect([good.status, good.json()]).toEqual([200, { sub: 'alice', client_id: 'rp1', scopes: ['orders:read'] }]);
    expect((await app.get('/orders')).status).toBe(401);
    expect((await app.call('/orders', 'unknown')).status).toBe(401);
    expect((await app.call('/orders', app.op.issue({ scope: 'orders:write' }))).status).toBe(403);
    expect(app.refusals.map((refusal) => refusal.cause?.code)).toEqual([
      'CREDENTIALS_MISSING',
      'TOKEN_INACTIVE',
      'INSUFFICIENT_SCOPE',
    ]);
    expect(app.handled).toEqual(['GET /orders']);
    expect(app.op.count('introspect')).toBe(3);
  });
});
