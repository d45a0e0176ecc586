import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';

import { createApp, type Adapter } from '../../support/app/apps.js';
import { closeLater } from '../../support/closing.js';
import { RealProvider } from '../../support/provider/real-provider.js';
import { launchChromium } from './launch.js';
import { signIn } from './sign-in.js';

/** What a tab complains about: what a policy blocked, an exception. */
async function tab(browser: Browser, options: { javaScriptEnabled?: boolean } = {}) {
  const page = await (await browser.newContext(options)).newPage();
  const complaints: string[] = [];
  page.setDefaultTimeout(60_000);
  page.on('console', (message) => /Content Security Policy/.test(message.text()) && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  return { page, complaints };
}

async function application(adapter: Adapter, client: object, login: object = {}) {
  const op = closeLater(await RealProvider.start());
  // Plain http on loopback is for native clients there.
  return createApp({
    adapter,
    op,
    client: { ...RealProvider.SIGNED, ...client },
    registered: { application_type: 'native' },
    options: { login },
  });
}

/** The URLs that the buttons of the tab lead back to. */
async function historyOf(page: Page): Promise<readonly string[]> {
  const { entries } = await (await page.context().newCDPSession(page)).send('Page.getNavigationHistory');
  return entries.map(({ url }) => url);
}

describe('a response in the fragment, in a real browser', () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium();
  });

  afterAll(async () => {
    await browser?.close();
  });

  it.each<[Adapter, string, object, object]>([
    ['express', 'code id_token', { response_types: ['code id_token'] }, {}],
    ['fastify', 'id_token token', { response_types: ['id_token token'], grant_types: ['implicit'] }, {}],
    ['express', 'a signed one', { authorization_signed_response_alg: 'ES256' }, { responseMode: 'fragment.jwt' }],
  ])(
    'on %s is posted by the page, leaves no trace in the history, and signs in: %s',
    async (adapter, _what, client, login) => {
      const app = await application(adapter, client, login);
      const { page, complaints } = await tab(browser);
      const posted: string[] = [];
      page.on('request', (request) => request.method() === 'POST' && posted.push(request.url()));
      await page.goto(`${app.url}/auth/login?returnTo=/me`);
      await signIn(page, 'ada');
      await page.waitForURL(`${app.url}/me`);
      expect(JSON.parse((await page.textContent('body')) ?? '')).toMatchObject({ user: { sub: 'ada' } });
      expect(posted.filter((url) => url.startsWith(app.url))).toEqual([`${app.url}/auth/callback`]);
      expect((await historyOf(page)).filter((url) => url.includes('/auth/callback') || url.includes('#'))).toEqual([]);
      expect(complaints).toEqual([]);
    },
    60_000,
  );

  it('says what is missing where there is no JavaScript', async () => {
    const app = await application('express', { response_types: ['code id_token'] });
    const { page } = await tab(browser, { javaScriptEnabled: false });
    await page.goto(`${app.url}/auth/callback#code=x&state=y`);
    expect(await page.textContent('body')).toContain('JavaScript');
  });

  it('shows itself in no frame of others', async () => {
    const app = await application('express', { response_types: ['code id_token'] });
    const { page } = await tab(browser);
    const blocked = page.waitForEvent('console', (message) => message.text().includes('frame-ancestors'));
    await page.setContent(`<iframe src="${app.url}/auth/callback#code=x&state=y"></iframe>`);
    expect((await blocked).type()).toBe('error');
    expect(app.refusals).toEqual([]);
  });
});
