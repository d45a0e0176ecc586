import { expect, it } from '@jest/globals';
import { Controller, Get, Inject, Req, UseGuards } from '@nestjs/common';

import { MemoryStore, OidcSession, OidcSessionGuard, type OidcModuleOptions } from '../../../lib/index.js';
import { createApp, onBothAdapters, SESSION_SECRET, type Adapter } from '../../support/app/apps.js';
import { Browser } from '../../support/browser/browser.js';
import { closeLater } from '../../support/closing.js';
import { Nginx } from './nginx.js';

const URL = 'https://app.test';

@Controller()
@UseGuards(OidcSessionGuard)
class ReportsController {
  constructor(@Inject(OidcSession) private readonly session: OidcSession) {}

  @Get('reports')
  async report(@Req() request: object) {
    return { bytes: (await this.session.accessToken(request)).length };
  }
}

/** A browser at an application behind nginx, whose provider gives it tokens of that many bytes each. */
async function behindNginx(adapter: Adapter, bytes: number, options: Partial<OidcModuleOptions>) {
  const app = await createApp({
    adapter,
    controllers: [ReportsController],
    publicUrl: URL,
    client: { post_logout_redirect_uris: [`${URL}/auth/logged-out`] },
    options: { routes: true, login: { scope: 'openid offline_access' }, ...options },
  });
  const nginx = closeLater(await Nginx.start(app.address));
  const token = 'x'.repeat(bytes);
  app.op.tokenResponse((members) => ({ ...members, access_token: token, refresh_token: token }));
  // What is there without the claim has 700 bytes, and base64 makes four bytes of three.
  const groups = 'x'.repeat(((bytes - 700) * 3) / 4);
  app.op.idToken({ claims: ({ at_hash: _, ...claims }) => ({ ...claims, groups }) });
  const browser = new Browser(app);
  browser.knows(URL, nginx.address);
  return { app, browser };
}

async function statuses(browser: Browser): Promise<readonly number[]> {
  const login = await browser.login();
  const me = await browser.get('/auth/me');
  const logout = await browser.post('/auth/logout');
  const after = await browser.get('/auth/me');
  return [login, me, logout, after].map(({ status }) => status);
}

onBothAdapters((adapter) => {
  it.each([4096, 8192, 16_384])('login and logout with tokens of %i bytes in a store', async (bytes) => {
    const { browser } = await behindNginx(adapter, bytes, { store: new MemoryStore() });
    await browser.login();
    expect((await browser.get('/reports')).json()).toEqual({ bytes });
    expect(await statuses(browser)).toEqual([303, 200, 303, 401]);
  });

  it('login and logout with tokens of 1,024 bytes in cookies without them', async () => {
    const { app, browser } = await behindNginx(adapter, 1024, { session: { secret: SESSION_SECRET, tokens: false } });
    expect(await statuses(browser)).toEqual([303, 200, 303, 401]);
    expect(app.logs.filter(({ text }) => text.includes('proxy_buffer_size'))).toEqual([]);
  });
});
