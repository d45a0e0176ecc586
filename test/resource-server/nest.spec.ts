import { expect, it } from '@jest/globals';
import { Controller, Get, Sse, UseGuards } from '@nestjs/common';
import { from } from 'rxjs';

import { OidcClient, OidcGuard, Public } from '../../lib/index.js';
import { createApp, onBothAdapters } from '../support/apps.js';
import { expectDependency, expectNoAuth } from '../support/outcomes.js';

@Controller()
@UseGuards(OidcGuard)
class StreamController {
  @Sse('stream')
  stream() {
    return from([{ data: 'one' }, { data: 'two' }]);
  }

  @Get('health')
  @Public()
  health() {
    return { status: 'ok' };
  }
}

onBothAdapters((adapter) => {
  it('NEST-20 a stream is guarded when it begins, and goes on', async () => {
    const app = await createApp({ adapter, controllers: [StreamController] });
    expect((await app.request('/stream')).status).toBe(401);
    const response = await app.call('/stream', app.op.issue());
    expect(response.status).toBe(200);
    expect(response.body).toContain('data: two');
  });

  it('NEST-22 while the server is down the application is alive, and says that it is not ready', async () => {
    const app = await createApp({ adapter, controllers: [StreamController] });
    await expect(app.nest.get(OidcClient).ready()).resolves.toBeUndefined();
    const port = await app.op.die();
    expect((await app.request('/health')).json()).toEqual({ status: 'ok' });
    await expect(app.nest.get(OidcClient).ready()).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
    expectDependency(app, await app.call('/stream', 'token'), 'UPSTREAM_UNAVAILABLE');
    await app.op.revive(port);
    await expect(app.nest.get(OidcClient).ready()).resolves.toBeUndefined();
  });

  it('RS-14 RS-15 a token in a form body is none', async () => {
    const app = await createApp({ adapter });
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    const token = app.op.issue({ scope: 'orders:write' });
    expectNoAuth(app, await app.post('/orders', `access_token=${token}`, type));
    const both = await app.post('/orders', 'access_token=other', { ...type, authorization: `Bearer ${token}` });
    expect(both.status).toBe(201);
  });

  it('RS-35 RS-36 what is public swallows no error, because it asks nobody', async () => {
    const app = await createApp({ adapter, controllers: [StreamController] });
    app.op.answer('introspect', { status: 503 });
    expect((await app.call('/health', 'expired')).status).toBe(200);
    expect(app.op.count()).toBe(0);
  });
});
