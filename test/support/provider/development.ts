import { request } from 'undici';

import type { OidcModuleOptions } from '../../../lib/index.js';
import { createApp, type Adapter, type AppProvider, type AppSetup } from '../app/apps.js';
import type { TestApp } from '../app/test-app.js';
import { TestResponse } from '../app/test-response.js';
import type { Browser, LoginOptions, Page } from '../browser/browser.js';
import { TestClock } from '../clock.js';
import { freePort } from '../ports.js';

// Under jest `structuredClone` makes objects of another realm, and `oidc-provider` takes none of them for a JWK.
Object.assign(globalThis, { structuredClone: (value: unknown) => JSON.parse(JSON.stringify(value)) });

/** Headers of a form that the provider's own page sends. */
type FormHeaders = Readonly<Record<string, string>>;

/**
 * An issuer at a free port, where an application under test starts its provider for development. It lives in real time.
 *
 * ```ts
 * const { app, op } = await createDevelopmentApp({ adapter });
 * const callback = await op.login(new Browser(app), { as: 'bob', returnTo: '/me' });
 * const token = await op.token({ sub: 'alice', scope: 'orders:read' });
 * ```
 */
export class DevelopmentIssuer implements AppProvider {
  readonly clock = new TestClock(Math.floor(Date.now() / 1000));

  constructor(readonly issuer: string) {}

  static async free(host = '127.0.0.1', path = ''): Promise<DevelopmentIssuer> {
    return new DevelopmentIssuer(`http://${host}:${await freePort()}${path}`);
  }

  /** The application's client is registered by the application itself. */
  register(): void {}

  async close(): Promise<void> {}

  get origin(): string {
    return new URL(this.issuer).origin;
  }

  /** Signs in. @returns the application's answer to the callback */
  async login(browser: Browser, { as = 'alice', ...options }: LoginOptions & { as?: string } = {}): Promise<Page> {
    let page = await browser.startLogin(options);
    while (!page.body.includes(`value="${as}"`) && page.target?.startsWith(this.origin)) {
      page = await browser.follow(page);
    }
    const chosen = page.target === undefined ? await browser.submitForm(page, { choice: as }) : page;
    return browser.finishLogin(await this.leave(browser, chosen, {}));
  }

  /** Goes on, through redirects, forms and consent, until the next step lies outside of the provider. */
  async leave(browser: Browser, first: Page, fields: Readonly<Record<string, string>>): Promise<Page> {
    let page = first;
    for (let step = 0; step < 12; step += 1) {
      if (page.target !== undefined && new URL(page.target).origin !== this.origin) {
        return page;
      }
      const allowed = page.body.includes('value="allow"') && { choice: 'allow' };
      page =
        page.target === undefined
          ? await browser.submitForm(page, { ...allowed, ...fields })
          : await browser.follow(page);
    }
    throw new Error(`The provider leads nowhere: ${page.url} answered ${page.status}: ${page.body}`);
  }

  /** An access token, by the provider's page. */
  async token(fields: Readonly<Record<string, string>>): Promise<string> {
    const page = await this.form({ client_id: 'rp1', ...fields });
    const [, token] = /<code id="token">([^<]+)</.exec(page.body) ?? [];
    if (token === undefined) {
      throw new Error(`The page answered ${page.status} without a token: ${page.body}`);
    }
    return token;
  }

  /** Sends the form for tokens, as the page itself does. */
  form(fields: Readonly<Record<string, string>>, headers: FormHeaders = this.#own()): Promise<TestResponse> {
    return this.request('/', { headers, body: new URLSearchParams(fields).toString() });
  }

  /** One request without cookies and without redirects, below the issuer. */
  async request(
    path: string,
    { headers = {}, body }: { readonly headers?: FormHeaders; readonly body?: string } = {},
  ): Promise<TestResponse> {
    const answer = await request(this.issuer.replace(/\/$/, '') + path, {
      method: body === undefined ? 'GET' : 'POST',
      reset: true,
      headers: body === undefined ? headers : { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body: body ?? null,
    });
    return TestResponse.of(answer.statusCode, answer.headers, await answer.body.text());
  }

  /** A token response of the machine `cli`. */
  async machine(scope: string): Promise<string> {
    const answer = await this.request('/token', {
      headers: { authorization: `Basic ${Buffer.from('cli:cli-secret').toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope }).toString(),
    });
    return String(Object(answer.json()).access_token);
  }

  #own(): FormHeaders {
    return { origin: this.origin, 'sec-fetch-site': 'same-origin' };
  }
}

/** An application that starts a provider for development, and its issuer. */
export async function createDevelopmentApp({
  op,
  options,
  ...setup
}: Omit<AppSetup<DevelopmentIssuer>, 'adapter'> & { readonly adapter?: Adapter } = {}): Promise<{
  readonly app: TestApp<DevelopmentIssuer>;
  readonly op: DevelopmentIssuer;
}> {
  const issuer = op ?? (await DevelopmentIssuer.free());
  const development: Partial<OidcModuleOptions> = { development: true };
  const app = await createApp({
    adapter: 'express',
    ...setup,
    op: issuer,
    options: { ...development, ...options },
  });
  return { app, op: issuer };
}
