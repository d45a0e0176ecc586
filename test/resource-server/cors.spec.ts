import { expect, it } from '@jest/globals';

import { createApp, onBothAdapters } from '../support/app/apps.js';
import { expectDependency, expectInsufficientScope, expectNoAuth, expectNonce } from '../support/app/outcomes.js';
import type { TestResponse } from '../support/app/test-response.js';
import { dpopKey, dpopProof } from '../support/tokens/dpop.js';

const RESOURCE = 'https://api.test';
const ORIGIN = { origin: 'https://spa.test' };

const exposed = (response: TestResponse) => response.header('access-control-expose-headers')?.split(/, */);

onBothAdapters((adapter) => {
  const boot = (cors: object = {}, resourceServer: object = {}) =>
    createApp({
      adapter,
      options: { resourceServer: { audience: RESOURCE, ...resourceServer } },
      configure: (nest) => nest.enableCors({ origin: 'https://spa.test', ...cors }),
    });

  it('scripts of other origins may read why they are refused', async () => {
    const app = await boot();
    const missing = await app.get('/orders', ORIGIN);
    expectNoAuth(app, missing);
    expect(exposed(missing)).toEqual(['WWW-Authenticate']);
    const scope = await app.call('/orders', app.op.issue({ scope: '' }), { headers: ORIGIN });
    expectInsufficientScope(app, scope, 'orders:read');
    expect(exposed(scope)).toEqual(['WWW-Authenticate']);
  });

  it('scripts of other origins may read when to come again', async () => {
    const app = await boot();
    app.op.answer('introspect', { status: 503 });
    const response = await app.call('/orders', app.op.issue(), { headers: ORIGIN });
    expectDependency(app, response, 'UPSTREAM_UNAVAILABLE');
    expect(exposed(response)).toEqual(['Retry-After']);
  });

  it('DPOP-37 scripts of other origins may read the nonce that comes with a good answer', async () => {
    const dpop = { nonceSecret: 'a secret of these tests that is long enough' };
    const app = await boot({}, { resource: RESOURCE, dpop });
    const key = dpopKey();
    const token = app.op.issue({ cnf: { jkt: key.jkt } });
    const call = (nonce?: string) => {
      const request = { url: `${RESOURCE}/orders`, accessToken: token, ...(nonce !== undefined && { nonce }) };
      const headers = { ...ORIGIN, authorization: `DPoP ${token}`, dpop: dpopProof(key, request) };
      return app.request('/orders', { headers });
    };
    const nonce = expectNonce(app, await call());
    const response = await call(nonce);
    expect([response.status, response.header('dpop-nonce')]).toEqual([200, nonce]);
    expect(exposed(response)).toEqual(['DPoP-Nonce']);
  });

  it('what the application exposes stays, and is not named twice', async () => {
    const app = await boot({ exposedHeaders: ['X-Total', 'www-authenticate'] });
    expect(exposed(await app.get('/orders', ORIGIN))).toEqual(['X-Total', 'www-authenticate']);
    app.op.answer('introspect', { status: 503 });
    const response = await app.call('/orders', app.op.issue(), { headers: ORIGIN });
    expect(exposed(response)).toEqual(['X-Total', 'www-authenticate', 'Retry-After']);
  });

  it('nothing is said where CORS is off', async () => {
    const app = await createApp({ adapter });
    expect(exposed(await app.get('/orders', ORIGIN))).toBeUndefined();
  });
});
