import { mkdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { launchChromium } from './launch.js';
import { Sample } from './sample.js';

const screenshots = new URL('../../../artifacts/', import.meta.url);

describe('the quick start, in a real browser', () => {
  let sample: Sample;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  /** what the browser complains about: a blocked script, a failed request, an exception */
  const complaints: string[] = [];

  beforeAll(async () => {
    mkdirSync(screenshots, { recursive: true });
    [sample, browser] = await Promise.all([Sample.start(), launchChromium()]);
    context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    page = await open();
  }, 180_000);

  afterAll(async () => {
    await browser?.close();
    sample?.kill();
  });

  async function open(): Promise<Page> {
    const opened = await context.newPage();
    opened.setDefaultTimeout(60_000);
    opened.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    opened.on('pageerror', (error) => complaints.push(String(error)));
    await opened.goto(`${sample.appUrl}/`);
    return opened;
  }

  function keep(name: string): Promise<Buffer> {
    return page.screenshot({ path: new URL(`${name}.png`, screenshots).pathname, fullPage: true });
  }

  async function signInAs(tab: Page, name: string): Promise<void> {
    await tab.getByRole('button', { name }).click();
    await tab.getByText('Signed in as').waitFor();
  }

  function claims(tab: Page): Promise<Record<string, string>> {
    return tab
      .locator('tbody tr')
      .evaluateAll((rows) =>
        Object.fromEntries(
          rows.map((row) => [row.querySelector('code')?.textContent, row.querySelector('td')?.textContent]),
        ),
      );
  }

  it('starts with one warning of its provider, and none on the version of Node', () => {
    expect(sample.printed).toContain(`A provider for development runs at ${sample.issuer} and lets everybody in`);
    expect(sample.printed).not.toContain('oidc-provider');
  });

  it('asks a stranger to sign in', async () => {
    expect(await page.title()).toBe('Quick start');
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Log a person in. Protect an API.');
    await keep('1-signed-out');
  });

  it('shows why a login failed, and signs nobody in', async () => {
    await page.getByRole('link', { name: 'Sign in' }).click();
    const answer = page.waitForResponse((response) => response.url().includes('/auth/callback'));
    await page.getByRole('button', { name: 'Go back' }).click();
    expect((await answer).status()).toBe(403);
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('You are not signed in');
    await page.getByRole('link', { name: 'To the start' }).click();
    expect(await page.title()).toBe('Quick start');
    // Chromium reports every answer of 400 and above; this one was meant.
    complaints.length = 0;
  });

  it('signs in at the provider and shows the verified claims', async () => {
    await page.getByRole('link', { name: 'Sign in' }).click();
    expect(page.url().startsWith(`${sample.issuer}/interaction/`)).toBe(true);
    await keep('2-provider');
    await signInAs(page, 'Alice Archer');

    expect(page.url()).toBe(`${sample.appUrl}/`);
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Alice Archer');
    const shown = await claims(page);
    expect(shown).toMatchObject({
      iss: sample.issuer,
      aud: 'quick-start',
      sub: 'alice',
      name: 'Alice Archer',
      email: 'alice@example.com',
      email_verified: 'true',
      roles: '["admin","user"]',
    });
    await keep('3-signed-in');
  });

  it('calls the API through the application, and the browser never sees a token', async () => {
    const answer = page.waitForResponse(`${sample.appUrl}/orders`);
    await page.getByRole('button', { name: 'Get my orders' }).click();
    const response = await answer;
    expect(response.status()).toBe(200);
    expect(response.request().headers()['authorization']).toBeUndefined();

    await page.locator('#answer pre').waitFor();
    expect(await page.locator('#answer .status').textContent()).toBe('200');
    expect(JSON.parse((await page.locator('#answer pre').textContent()) ?? '')).toEqual({
      orders: [
        { id: 1, item: 'A kettle', price: '39.00' },
        { id: 2, item: 'Six tea bowls', price: '54.00' },
      ],
    });
    expect(await page.evaluate('document.cookie')).toBe('');
    await keep('4-api-called');
  });

  it('signs out at the application and at the provider, and comes back', async () => {
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('link', { name: 'Sign in' }).waitFor();
    expect(page.url()).toBe(`${sample.appUrl}/`);

    await page.getByRole('link', { name: 'Sign in' }).click();
    await page.getByRole('button', { name: 'Alice Archer' }).waitFor();
    await page.goto(`${sample.appUrl}/`);
  });

  it('signs in from two tabs at once, each to where it began', async () => {
    const other = await open();
    await page.goto(`${sample.appUrl}/auth/login?returnTo=/?tab=1`);
    await other.goto(`${sample.appUrl}/auth/login?returnTo=/?tab=2`);
    await signInAs(page, 'Bob Baker');
    await signInAs(other, 'Bob Baker');
    expect(page.url()).toBe(`${sample.appUrl}/?tab=1`);
    expect(other.url()).toBe(`${sample.appUrl}/?tab=2`);
    await other.close();
  });

  it('fits a telephone, in the dark', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
    await keep('5-telephone');
  });

  it('gives an access token of a person at the provider, which opens the API', async () => {
    await page.goto(sample.issuer);
    await page.getByLabel('Bob Baker').check();
    await page.getByRole('button', { name: 'Get a token' }).click();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
    await keep('6-access-token');
    const token = await page.locator('#token').textContent();
    const headers = { authorization: `Bearer ${token}` };
    expect((await fetch(`${sample.appUrl}/api/orders`, { headers })).status).toBe(200);
  });

  it('gave the browser no reason to complain', () => {
    expect(complaints).toEqual([]);
  });

  it('answers the three curl lines with 200, 401 and 403', async () => {
    const granted = await fetch(`${sample.issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from('cli:cli-secret').toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'orders:read' }),
    });
    const { access_token } = Object(await granted.json());
    const headers = { authorization: `Bearer ${access_token}` };
    const orders = `${sample.appUrl}/api/orders`;

    expect((await fetch(orders, { headers })).status).toBe(200);

    const without = await fetch(orders);
    expect(without.status).toBe(401);
    expect(without.headers.get('www-authenticate')).toBe(`Bearer realm="${sample.appUrl}/api"`);

    const forbidden = await fetch(orders, { method: 'POST', headers });
    expect(forbidden.status).toBe(403);
    expect(forbidden.headers.get('www-authenticate')).toContain('error="insufficient_scope"');

    expect((await fetch(`${sample.appUrl}/api/health`)).status).toBe(200);
  });

  it('stops on Ctrl-C with code 0, though a browser is connected', async () => {
    const begun = Date.now();
    expect(await sample.interrupt()).toBe(0);
    expect(Date.now() - begun).toBeLessThan(5000);
    await expect(fetch(sample.appUrl)).rejects.toThrow();
    await expect(fetch(sample.issuer)).rejects.toThrow();
  });
});
