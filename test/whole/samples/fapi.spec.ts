import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';

import { Browser, type Page } from '../../support/browser/browser.js';
import { TestClock } from '../../support/clock.js';
import { freePort } from '../../support/ports.js';

interface Call {
  readonly request: string;
  readonly sends: readonly string[];
  readonly leadsTo: string | undefined;
  readonly status: number;
}

/** Starts the sample as a process of its own would: with an environment and with modules of its own. */
async function startOnFreePorts() {
  Object.assign(process.env, { PORT: String(await freePort()), OP_PORT: String(await freePort()) });
  // Under jest it makes objects of another realm, and the provider takes none of them for the JWK that it is.
  jest.spyOn(globalThis, 'structuredClone').mockImplementation((value) => JSON.parse(JSON.stringify(value)));
  jest.resetModules();
  const { start } = await import('../../../sample/05-fapi/start.js');
  const { appUrl, issuer } = await import('../../../sample/05-fapi/settings.js');
  const calls: Call[] = [];
  return { ...(await start((call) => void calls.push(call))), appUrl, issuer, calls };
}

describe('sample/05-fapi does what its guide says', () => {
  let sample: Awaited<ReturnType<typeof startOnFreePorts>>;

  beforeAll(async () => {
    sample = await startOnFreePorts();
  });

  afterAll(() => sample.stop());

  async function signIn(): Promise<Browser> {
    const clock = new TestClock(Math.floor(Date.now() / 1000));
    const browser = new Browser({ url: sample.appUrl, address: sample.appUrl, clock });
    let page: Page = await browser.get('/auth/login');
    while (page.target !== undefined || !page.url.startsWith(`${sample.appUrl}/`)) {
      page =
        page.target === undefined
          ? await browser.submitForm(page, { login: 'Ada <Lovelace>', password: 'any' })
          : await browser.follow(page);
    }
    expect([page.status, page.url]).toEqual([200, `${sample.appUrl}/`]);
    return browser;
  }

  it('signs in, and its tokens are bound to a key', async () => {
    const browser = await signIn();
    const { body } = await browser.get('/');
    expect(body).toContain('<h1>Ada &#60;Lovelace&#62;</h1>');
    expect(body).toContain('<dd>DPoP</dd>');
    expect(body).toMatch(/<dd>[\w-]{43}<\/dd>/);
  });

  it('B13 F10 E5 sends over the wire what the guide shows', async () => {
    sample.calls.length = 0;
    const browser = await signIn();
    expect((await browser.get('/account')).json()).toEqual({ sub: 'Ada <Lovelace>' });
    const assertion = ['client_assertion', 'client_assertion_type', 'client_id'];
    // The provider gives its nonce with the first refusal.
    expect(sample.calls.filter(({ status }) => status < 400)).toEqual([
      { request: 'POST /request', sends: ['dpop', ...assertion, 'request'], leadsTo: undefined, status: 201 },
      { request: 'GET /auth', sends: ['client_id', 'request_uri'], leadsTo: '/interaction/…', status: 303 },
      { request: 'GET /auth/…', sends: [], leadsTo: '/interaction/…', status: 303 },
      { request: 'GET /auth/…', sends: [], leadsTo: '/auth/callback response', status: 303 },
      {
        request: 'POST /token',
        sends: ['dpop', ...assertion, 'code', 'code_verifier', 'grant_type', 'redirect_uri'],
        leadsTo: undefined,
        status: 200,
      },
      { request: 'GET /me', sends: ['authorization', 'dpop'], leadsTo: undefined, status: 200 },
    ]);
  });

  it('signs out', async () => {
    const browser = await signIn();
    expect((await browser.post('/auth/logout')).location).toMatch(`${sample.issuer}/session/end?`);
    expect((await browser.get('/')).body).toContain('Who are you?');
  });
});
