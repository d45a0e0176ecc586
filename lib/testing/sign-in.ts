import type { INestApplication } from '@nestjs/common';
import { parseSetCookie } from 'cookie';

import { printable } from '../errors/log-line.js';
import { logsIn } from '../nest/authenticating-guard.js';
import { MappedRoutes } from '../nest/mapped-routes.js';
import { clientTokenOf } from '../nest/named-guard.js';
import { clientSessionsToken, strategyToken } from '../nest/tokens.js';
import type { ClientSessions } from '../session/client-sessions.js';
import { send, ServedApplication, type TestAnswer } from './served-application.js';

/** A login with more steps goes round in circles. */
const MOST_STEPS = 10;

/** Where a login begins. */
export interface SignInOptions {
  /** The route that begins the login. Default: the mounted one, else the first route with an `OidcLoginGuard`. */
  readonly path?: string | undefined;
  /** The name of the client, where there are several. */
  readonly client?: string | undefined;
}

/** The provider that a login goes to. */
interface LoginProvider {
  readonly issuer: string;
  /** The `Cookie` header of a browser in which the user is signed in there. */
  readonly cookie: string;
}

/** A request of a browser that navigates. */
interface Navigation {
  readonly url: URL;
  /** The fields of a form; undefined: it follows a link. */
  readonly form?: URLSearchParams | undefined;
  /** The page that it comes from. */
  readonly from?: URL;
}

/**
 * A whole login, as a browser makes it.
 *
 * @returns the `Cookie` header of the browser at the application
 */
export async function signIn(
  app: INestApplication,
  provider: LoginProvider,
  { path, client }: SignInOptions,
): Promise<string> {
  const served = await ServedApplication.of(app, provider.issuer, client);
  try {
    const begin = path === undefined ? loginPath(app, client, served) : served.prefix + path;
    return await new Browser(served, provider).login(new URL(begin, served.callback));
  } finally {
    served.close();
  }
}

/** The public path of a route that begins a login. */
function loginPath(app: INestApplication, client: string | undefined, { prefix, callback }: ServedApplication): string {
  const sessions = app.get<ClientSessions>(clientSessionsToken(client), { strict: false });
  const mounted = sessions.loginRedirect.loginUrl('/');
  if (mounted !== undefined) {
    return mounted;
  }
  const [own] = app
    .get(MappedRoutes, { strict: false })
    .list()
    .filter(({ method, guards }) => method === 'GET' && guards.some((guard) => logsInAs(guard, client)))
    .flatMap(({ paths }) => paths)
    .filter((path) => prefix + path !== callback.pathname && !/[:*{}]/.test(path));
  if (own === undefined) {
    throw new Error('The application has no route that begins a login. Pass the path of one: { path }.');
  }
  return prefix + own;
}

/** Whether a guard of the application logs users in for a client. */
function logsInAs(guard: unknown, client: string | undefined): boolean {
  return logsIn(guard) && clientTokenOf(guard) === (client === undefined ? undefined : strategyToken(client));
}

/** A browser that knows the application and the provider, and nobody else. */
class Browser {
  readonly #cookies = new Map<string, string>();

  constructor(
    private readonly application: ServedApplication,
    private readonly provider: LoginProvider,
  ) {}

  /** @returns its `Cookie` header at the application, after the answer to the callback */
  async login(begin: URL): Promise<string> {
    let navigation: Navigation = { url: begin };
    for (let step = 0; step < MOST_STEPS; step += 1) {
      const { url } = navigation;
      const answer = await this.#visit(navigation);
      const next = nextOf(answer, url);
      // A response in the fragment is posted by the page at the callback.
      const isPage = next?.form !== undefined && url.hash !== '';
      if (this.#isCallback(url) && answer.status < 400 && !isPage) {
        return this.#cookieHeader();
      }
      if (next === undefined) {
        throw new Error(
          `The login ended at ${url.origin}${url.pathname} with ${answer.status}: ${printable(answer.body)}`,
        );
      }
      navigation = next;
    }
    throw new Error('The login goes round in circles.');
  }

  #isCallback(url: URL): boolean {
    return this.application.isAt(url) && url.pathname === this.application.callback.pathname;
  }

  async #visit({ url, form, from }: Navigation): Promise<TestAnswer> {
    const isOurs = this.application.isAt(url);
    if (!isOurs && url.origin !== new URL(this.provider.issuer).origin) {
      throw new Error(`The login leads to ${url.origin}, which is neither the application nor the provider.`);
    }
    const cookie = isOurs ? this.#cookieHeader() : this.provider.cookie;
    const headers = {
      accept: 'text/html',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
      'sec-fetch-site': siteOf(url, from),
      ...(cookie !== '' && { cookie }),
      ...(form !== undefined && from !== undefined && { origin: from.origin }),
    };
    if (!isOurs) {
      return send({ url, form, headers });
    }
    const answer = await this.application.send({ url, form, headers });
    answer.setCookies.forEach((line) => this.#keep(line));
    return answer;
  }

  #cookieHeader(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  #keep(line: string): void {
    const { name, value = '', maxAge, expires } = parseSetCookie(line, { decode: (text) => text });
    if (maxAge === 0 || (expires !== undefined && expires.getTime() <= 0)) {
      this.#cookies.delete(name);
    } else {
      this.#cookies.set(name, value);
    }
  }
}

/** Fetch Metadata Request Headers, section 2.3. */
function siteOf(url: URL, from: URL | undefined): string {
  if (from === undefined) {
    return 'none';
  }
  return from.origin === url.origin ? 'same-origin' : 'cross-site';
}

/** Where a redirect or the form of a page leads. */
function nextOf({ status, location, body }: TestAnswer, url: URL): Navigation | undefined {
  if (status >= 300 && status < 400 && location !== undefined) {
    return { url: new URL(location, url), from: url };
  }
  const [tag] = /<form[^>]*>/.exec(body) ?? [];
  if (status !== 200 || tag === undefined) {
    return undefined;
  }
  const fields = [...body.matchAll(/<input[^>]*>/g)].flatMap(([input]): readonly [string, string][] => {
    const name = attribute(input, 'name');
    return name === undefined ? [] : [[name, attribute(input, 'value') ?? url.hash.slice(1)]];
  });
  const target = new URL(attribute(tag, 'action') ?? url.pathname + url.search, url);
  return { url: target, form: new URLSearchParams(fields), from: url };
}

function attribute(tag: string, name: string): string | undefined {
  const [, value] = new RegExp(`\\s${name}="([^"]*)"`).exec(tag) ?? [];
  return value?.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));
}
