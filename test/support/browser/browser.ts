import { Agent, request, type Dispatcher } from 'undici';

import type { TestApp, AppProvider } from '../app/apps.js';
import { TestResponse } from '../app/test-response.js';
import type { TestClock } from '../clock.js';
import { closeLater } from '../closing.js';
import { CookieJar } from './cookie-jar.js';

/** An answer, and where it came from. */
export class Page extends TestResponse {
  constructor(
    readonly method: string,
    readonly url: string,
    { status, headers, body }: TestResponse,
  ) {
    super(status, headers, body);
  }

  /** Where it redirects to, as an absolute URL; undefined when it does not. */
  get target(): string | undefined {
    const location = this.header('location');
    return this.status >= 300 && this.status < 400 && location !== undefined
      ? new URL(location, this.url).href
      : undefined;
  }

  /** The same, of a page that must redirect. */
  get location(): string {
    if (this.target === undefined) {
      throw new Error(`${this.method} ${this.url} answered ${this.status} without a redirect: ${this.body}`);
    }
    return this.target;
  }
}

export interface Visit {
  readonly method: string;
  readonly url: string;
  readonly status: number;
  /** The `Cookie` header that was sent. */
  readonly cookie: string | undefined;
}

export interface VisitOptions {
  readonly headers?: Readonly<Record<string, string | string[]>>;
  /** The page, or its origin, that the request starts from; default: the address bar. */
  readonly from?: string | undefined;
}

export interface LoginOptions extends VisitOptions {
  /** Default `/auth/login`. */
  readonly path?: string;
  readonly returnTo?: string;
}

/**
 * A browser that keeps cookies, sends them as browsers do, and goes nowhere by itself.
 *
 * ```ts
 * const browser = new Browser(app);
 * const callback = await browser.login({ returnTo: '/me' });   // the answer to the callback
 * expect(callback.location).toBe(`${app.url}/me`);
 * const me = await browser.get('/me');
 *
 * const begun = await browser.get('/auth/login');              // the same, step by step
 * const answered = await browser.get(begun.location);          // the provider's answer
 * const tampered = await browser.get(answered.location.replace(/state=[^&]+/, 'state=x'));
 * ```
 *
 * The application and the provider have one host on loopback and so one set of cookies, as in a real browser.
 */
export class Browser {
  jar: CookieJar;
  readonly history: Visit[] = [];
  readonly #app: Pick<TestApp<AppProvider>, 'url' | 'address' | 'clock'>;
  readonly #hosts = new Map<string, string>();
  #dispatcher: Dispatcher | undefined;

  constructor(app: { readonly url: string; readonly address: string; readonly clock: TestClock }) {
    this.#app = app;
    this.jar = new CookieJar(app.clock);
    this.knows(app.url, app.address);
  }

  /** Another browser of the same person: the same cookies, and from now on its own. */
  copy(): Browser {
    const copy = new Browser(this.#app);
    copy.jar = this.jar.copy();
    this.#hosts.forEach((address, origin) => copy.#hosts.set(origin, address));
    copy.#dispatcher = this.#dispatcher;
    return copy;
  }

  /** Finds an origin at another address, as by DNS and a proxy that ends TLS. */
  knows(origin: string, address: string): void {
    this.#hosts.set(new URL(origin).origin, address);
  }

  /** Trusts the servers that show a certificate. */
  trusts(certificate: string): void {
    this.#dispatcher = closeLater(new Agent({ connect: { ca: certificate } }));
  }

  get(url: string, options: VisitOptions = {}): Promise<Page> {
    return this.#visit('GET', url, undefined, options);
  }

  /** @param form its fields, or the whole body of another type */
  post(url: string, form: Readonly<Record<string, string>> | string = {}, options: VisitOptions = {}): Promise<Page> {
    const body = typeof form === 'string' ? form : new URLSearchParams(form).toString();
    const from = 'from' in options ? options.from : this.#app.url;
    const headers = { 'content-type': 'application/x-www-form-urlencoded', ...options.headers };
    return this.#visit('POST', url, body, { headers, from });
  }

  /** One redirect further. */
  follow(page: Page, options: VisitOptions = {}): Promise<Page> {
    return this.get(page.location, { from: page.url, ...options });
  }

  /** Sends the only form of a page, with what stands in its fields; `fields` stand above them. */
  submitForm(page: Page, fields: Readonly<Record<string, string>> = {}, options: VisitOptions = {}): Promise<Page> {
    const { action, values } = formOf(page);
    return this.post(action, { ...values, ...fields }, { from: page.url, ...options });
  }

  /** @returns the provider's answer: a redirect to the callback, or the page whose form goes there */
  async startLogin({ path = '/auth/login', returnTo, ...options }: LoginOptions = {}): Promise<Page> {
    const query = returnTo === undefined ? '' : `?${new URLSearchParams({ returnTo }).toString()}`;
    const begun = await this.get(path + query, options);
    return this.get(begun.location, { from: begun.url });
  }

  /** Takes the provider's answer back to the application. A fragment is posted by the application's own page. */
  async finishLogin(answer: Page, options: VisitOptions = {}): Promise<Page> {
    if (answer.target === undefined) {
      return this.submitForm(answer, {}, options);
    }
    const page = await this.follow(answer, options);
    const { hash } = new URL(answer.location, answer.url);
    return hash === '' ? page : this.submitForm(page, { fragment: hash.slice(1) }, options);
  }

  /** A whole login at a provider that asks nothing. @returns the application's answer to the callback */
  async login(options: LoginOptions = {}): Promise<Page> {
    return this.finishLogin(await this.startLogin(options));
  }

  async #visit(
    method: 'GET' | 'POST',
    address: string,
    body: string | undefined,
    { headers = {}, from }: VisitOptions,
  ): Promise<Page> {
    const url = new URL(address, this.#app.url);
    const site = siteOf(url, from);
    const cookie = this.jar.header(url.href, { isCrossSite: site === 'cross-site', isSafe: method === 'GET' });
    const answer = await request((this.#hosts.get(url.origin) ?? url.origin) + url.pathname + url.search, {
      method,
      body: body ?? null,
      reset: true,
      ...(this.#dispatcher !== undefined && { dispatcher: this.#dispatcher }),
      headers: {
        host: url.host,
        accept: 'text/html,application/xhtml+xml,*/*;q=0.8',
        'sec-fetch-site': site,
        'sec-fetch-mode': 'navigate',
        'sec-fetch-dest': 'document',
        ...(cookie !== undefined && { cookie }),
        ...(method === 'POST' && from !== undefined && { origin: new URL(from).origin }),
        ...headers,
      },
    });
    const response = TestResponse.of(answer.statusCode, answer.headers, await answer.body.text());
    this.history.push({ method, url: url.href, status: response.status, cookie });
    response.setCookies.forEach((line) => this.jar.accept(line, url.href));
    return new Page(method, url.href, response);
  }
}

/** Fetch Metadata Request Headers, section 2.3. */
function siteOf(target: URL, from: string | undefined): 'none' | 'same-origin' | 'same-site' | 'cross-site' {
  if (from === undefined) {
    return 'none';
  }
  const origin = new URL(from);
  if (origin.origin === target.origin) {
    return 'same-origin';
  }
  const isSameSite = origin.protocol === target.protocol && registrable(origin) === registrable(target);
  return isSameSite ? 'same-site' : 'cross-site';
}

/** Good enough for names such as `app.test`. */
function registrable({ hostname }: URL): string {
  return /^[\d.]+$|^\[/.test(hostname) ? hostname : hostname.split('.').slice(-2).join('.');
}

function formOf(page: Page): { readonly action: string; readonly values: Readonly<Record<string, string>> } {
  const [tag] = /<form[^>]*>/i.exec(page.body) ?? [];
  if (tag === undefined) {
    throw new Error(`${page.method} ${page.url} answered ${page.status} without a form: ${page.body}`);
  }
  const inputs = page.body.match(/<input[^>]*>/gi) ?? [];
  const values = inputs.flatMap((input) => {
    const name = attribute(input, 'name');
    return name === undefined ? [] : [[name, attribute(input, 'value') ?? ''] as const];
  });
  return { action: new URL(attribute(tag, 'action') ?? '', page.url).href, values: Object.fromEntries(values) };
}

function attribute(tag: string, name: string): string | undefined {
  const [, value] = new RegExp(`\\s${name}\\s*=\\s*"([^"]*)"`, 'i').exec(tag) ?? [];
  return value
    ?.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))
    .replace(/&quot;/g, '"')
    .replace(/&#x27;/gi, "'")
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&amp;/g, '&');
}
