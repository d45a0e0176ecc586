import { afterEach, expect, it } from '@jest/globals';

import { OidcClient } from '../../lib/index.js';
import { createApp, onBothAdapters } from '../support/app/apps.js';
import { rejection } from '../support/client/client.js';
import { connectProxy } from '../support/http/connect-proxy.js';
import { startProvider } from '../support/provider/provider.js';

const before = { ...process.env };
afterEach(() => {
  ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'NO_PROXY', 'no_proxy'].forEach((name) => {
    delete process.env[name];
    if (before[name] !== undefined) {
      process.env[name] = before[name];
    }
  });
});

onBothAdapters((adapter) => {
  it('an application behind a proxy finds the way by its environment', async () => {
    const op = await startProvider({ publicOrigin: 'http://op.test' });
    const proxy = await connectProxy(op.origin);
    process.env['http_proxy'] = proxy.url;
    const app = await createApp({ adapter, op, options: { insecureHttp: true } });
    await app.nest.get(OidcClient).ready();
    const response = await app.call('/orders', op.issue({ scope: 'orders:read' }));
    expect(response.status).toBe(200);
    expect(new Set(proxy.tunnels)).toEqual(new Set(['op.test:80']));
  });

  it('an environment that names no proxy stops the boot', async () => {
    process.env['https_proxy'] = 'socks5://proxy';
    expect(await rejection(createApp({ adapter }))).toMatchObject({ name: 'ConfigError', member: 'https_proxy' });
  });
});
