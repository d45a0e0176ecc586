import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, UseGuards } from '@nestjs/common';
import type { Browser, Page } from 'playwright-core';

import { CurrentUser, OidcSessionGuard, OidcUser, OptionalAuth, type OidcModuleOptions } from '../../../lib/index.js';
import { createApp, SESSION_SECRET } from '../../support/app/apps.js';
import { closeLater } from '../../support/closing.js';
import { RealProvider } from '../../support/provider/real-provider.js';
import { launchChromium } from './launch.js';
import { signIn } from './sign-in.js';

@Controller()
@UseGuards(OidcSessionGuard)
class PagesController {
  @Get('news') @OptionalAuth() news(@CurrentUser() user: OidcUser | undefined) {
    return { news: user?.sub ?? 'for all' };
  }

  @Get('account') account(@CurrentUser() { sub }: OidcUser) {
    return { account: sub };
  }
}

/** The application, and its provider on another site. */
async function boot(session: Partial<NonNullable<OidcModuleOptions['session']>>) {
  const op = closeLater(await RealProvider.start('localhost'));
  const app = await createApp({
    adapter: 'express',
    op,
    controllers: [PagesController],
    client: { ...RealProvider.SIGNED, initiate_login_uri: 'http://127.0.0.1/auth/initiate' },
    registered: { initiate_login_uri: undefined },
    options: { routes: true, session: { secret: SESSION_SECRET, ...session } },
  });
  return { op, app };
}

/** The JSON that a page shows. */
async function shown(page: Page): Promise<unknown> {
  return JSON.parse((await page.locator('body').textContent()) ?? '');
}

async function again(page: Page, url: string): Promise<unknown> {
  await page.goto(url);
  return shown(page);
}

describe('logins in a real browser', () => {
  let browser: Browser;

  beforeAll(async () => {
    // The portal is a page of the test, which would count as one of the public internet.
    browser = await launchChromium('--disable-features=LocalNetworkAccessChecks');
  });

  afterAll(async () => {
    await browser?.close();
  });

  const open = async (url: string): Promise<Page> => {
    const page = await browser.newPage();
    page.setDefaultTimeout(60_000);
    await page.goto(url);
    return page;
  };

  it('sign a person in silently whom the provider knows, and show the page to whom it does not', async () => {
    const { app } = await boot({ silentLogin: true });
    const page = await open(`${app.url}/news`);
    expect([page.url(), await shown(page)]).toEqual([`${app.url}/news`, { news: 'for all' }]);
    await page.goto(`${app.url}/account`);
    await signIn(page, 'alice');
    expect(await shown(page)).toEqual({ account: 'alice' });
    expect(await again(page, `${app.url}/news`)).toEqual({ news: 'alice' });
    await page.context().clearCookies({ name: 'oidc-session' });
    expect(await again(page, `${app.url}/news`)).toEqual({ news: 'alice' });
    expect(page.url()).toBe(`${app.url}/news`);
  });

  it('B14 begin where another site posts a form, and not in its frame', async () => {
    const { app, op } = await boot({});
    const page = await browser.newPage();
    const body = `<form method="post" action="${app.url}/auth/initiate">
      <input name="iss" value="${op.issuer}"><input name="target_link_uri" value="${app.url}/account"><button>Go</button>
      </form><iframe src="${app.url}/auth/initiate?iss=${op.issuer}"></iframe>`;
    await page.route('http://portal.test/', (route) => route.fulfill({ contentType: 'text/html', body }));
    await page.goto('http://portal.test/');
    const frame = page.frameLocator('iframe').locator('body');
    expect(await frame.textContent()).toContain('"error":"access_denied"');
    await page.getByRole('button').click();
    await signIn(page, 'bob');
    expect([page.url(), await shown(page)]).toEqual([`${app.url}/account`, { account: 'bob' }]);
  });

  it('end at the page with a cookie that the browser holds back after other sites', async () => {
    const { app } = await boot({ cookie: { sameSite: 'strict' } });
    const page = await open(`${app.url}/account`);
    await signIn(page, 'alice');
    await page.getByText('"account":"alice"').waitFor();
    await page.route('http://portal.test/', (route) =>
      route.fulfill({ contentType: 'text/html', body: `<a href="${app.url}/account">account</a>` }),
    );
    await page.goto('http://portal.test/');
    await page.getByRole('link').click();
    await page.getByText('"account":"alice"').waitFor();
  });
});
