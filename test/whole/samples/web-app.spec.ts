import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { ExecutionContext } from '@nestjs/common';

import { Browser, type Page } from '../../support/browser/browser.js';
import { TestClock } from '../../support/clock.js';
import { freePort } from '../../support/ports.js';

/** Starts the sample as a process of its own would: with an environment and with modules of its own. */
async function startOnFreePorts() {
  for (const variable of ['ISSUER', 'APP_URL', 'REDIS_URL']) {
    delete process.env[variable];
  }
  Object.assign(process.env, { PORT: String(await freePort()), OP_PORT: String(await freePort()) });
  jest.resetModules();
  const { start } = await import('../../../sample/02-web-app/start.js');
  const { appUrl, issuer } = await import('../../../sample/02-web-app/settings.js');
  return { ...(await start()), appUrl, issuer };
}

describe('sample/02-web-app does what its guide says', () => {
  let sample: Awaited<ReturnType<typeof startOnFreePorts>>;

  beforeAll(async () => {
    sample = await startOnFreePorts();
  });

  afterAll(() => sample.stop());

  const newBrowser = (): Browser =>
    new Browser({ url: sample.appUrl, address: sample.appUrl, clock: new TestClock(Math.floor(Date.now() / 1000)) });

  /** Goes on, through redirects and the provider's forms, until a page of the application. */
  async function goOn(browser: Browser, first: Page, fields: Readonly<Record<string, string>>): Promise<Page> {
    let page = first;
    while (page.target !== undefined || !page.url.startsWith(`${sample.appUrl}/`)) {
      page = page.target === undefined ? await browser.submitForm(page, fields) : await browser.follow(page);
    }
    return page;
  }

  async function signIn(path = '/auth/login'): Promise<Browser> {
    const browser = newBrowser();
    const page = await goOn(browser, await browser.get(path), { login: 'Ada <Lovelace>', password: 'any' });
    expect([page.status, page.url]).toEqual([200, `${sample.appUrl}/`]);
    return browser;
  }

  const greets = async (browser: Browser): Promise<boolean> =>
    (await browser.get('/')).body.includes('<h1>Ada &#60;Lovelace&#62;</h1>');

  it('signs in, and keeps nothing but an id and a key in the browser', async () => {
    expect((await newBrowser().get('/')).body).toContain('Who are you?');
    const browser = await signIn();
    expect(await greets(browser)).toBe(true);
    expect((await browser.get('/auth/me')).json()).toMatchObject({ sub: 'Ada <Lovelace>' });
    const session = browser.jar.get('oidc-session');
    expect(`${session?.name}=${session?.value}`.length).toBeLessThan(200);
    expect(session?.expiresAt).toBeUndefined();
  });

  it('sends a stranger who opens a deep link to the login, and back', async () => {
    const browser = newBrowser();
    const page = await goOn(browser, await browser.get('/account'), { login: 'Ada <Lovelace>', password: 'any' });
    expect([page.url, page.json()]).toEqual([
      `${sample.appUrl}/account`,
      expect.objectContaining({ name: 'Ada <Lovelace>' }),
    ]);
    const script = await newBrowser().get('/account', { headers: { 'sec-fetch-mode': 'cors' } });
    expect(script.status).toBe(401);
  });

  it('is remembered where the link asks for it', async () => {
    const browser = await signIn('/auth/login?remember=true');
    browser.jar.restart();
    expect(await greets(browser)).toBe(true);
  });

  it('calls an API with the token, which is refreshed on request', async () => {
    const browser = await signIn();
    expect((await browser.get('/account')).json()).toMatchObject({ sub: 'Ada <Lovelace>' });
    expect((await browser.post('/account/refresh')).status).toBe(303);
    expect((await browser.post('/account/refresh')).status).toBe(303);
    expect((await browser.get('/account')).json()).toMatchObject({ sub: 'Ada <Lovelace>' });
  });

  it('signs out, here and at the provider, which then asks who it is', async () => {
    const browser = await signIn();
    const page = await goOn(browser, await browser.post('/auth/logout'), { logout: 'yes' });
    expect([page.status, page.url]).toEqual([200, `${sample.appUrl}/`]);
    expect(await greets(browser)).toBe(false);
    const asked = await browser.follow(await browser.follow(await browser.get('/auth/login')));
    expect(asked.body).toContain('name="password"');
  });

  it('ends the session where its user signs out at the provider', async () => {
    const browser = await signIn();
    const asked = await browser.get(`${sample.issuer}/session/end`);
    await browser.submitForm(asked, { logout: 'yes' });
    expect(browser.jar.get('oidc-session')).toBeDefined();
    expect(await greets(browser)).toBe(false);
  });

  it('signs out everywhere', async () => {
    const [one, other] = [await signIn(), await signIn()];
    expect((await one.post('/account/sign-out-everywhere')).location).toBe(`${sample.appUrl}/`);
    expect([await greets(one), await greets(other)]).toEqual([false, false]);
  });

  it('is tested without a provider', async () => {
    const { Test } = await import('@nestjs/testing');
    const { OidcSession, OidcSessionGuard } = await import('nestjs-oidc');
    const { AppModule } = await import('../../../sample/02-web-app/app.module.js');
    const ada = { sub: 'ada', claims: { name: 'Ada of the test' } };
    const signedIn = {
      canActivate(context: ExecutionContext) {
        context.switchToHttp().getRequest().user = ada;
        return true;
      },
    };
    const moduleRef = await Test.createTestingModule({ imports: [AppModule] })
      .overrideGuard(OidcSessionGuard)
      .useValue(signedIn)
      .overrideProvider(OidcSession)
      .useValue({ read: async () => ({ user: ada, tokens: {}, expiresAt: 0 }) })
      .compile();
    const app = moduleRef.createNestApplication();
    await app.listen(0, '127.0.0.1');
    const response = await fetch(await app.getUrl());
    await app.close();
    expect([response.status, await response.text()]).toEqual([200, expect.stringContaining('Ada of the test')]);
  });
});
