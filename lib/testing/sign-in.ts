import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { INestApplication } from '@nestjs/common';
import { parseSetCookie } from 'cookie';
import { request } from 'undici';

import { cutPrefixOf } from '../login/relocation.js';
import type { ParsedOptions } from '../module/oidc.options.js';
import { logsIn } from '../nest/authenticating-guard.js';
import { MappedRoutes } from '../nest/mapped-routes.js';
import { clientSessionsToken, optionsToken } from '../nest/tokens.js';
import type { ClientSessions } from '../session/client-sessions.js';
import { member } from '../values/member.js';

/** Steps of a login beyond which it goes round in circles. */
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
  /** The page with the form. */
  readonly from?: URL;
}

interface Answer {
  readonly status: number;
  readonly location: string | undefined;
  readonly setCookies: readonly string[];
  readonly body: string;
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
  // Express and Fastify know their routes after that. It does nothing where it was done before.
  await app.init();
  await ready(app.getHttpAdapter().getInstance());
  const { client: registered, login } = app.get<ParsedOptions>(optionsToken(client), { strict: false });
  const [redirectUri] = registered.metadata.redirect_uris ?? [];
  if (redirectUri === undefined) {
    throw new Error('The client has no redirect_uris, so nobody can sign in.');
  }
  const callback = new URL(redirectUri);
  const server = await front(app);
  try {
    const prefix = cutPrefixOf(callback.pathname, login.callbackPath) ?? '';
    const begin = path === undefined ? loginPath(app, client, callback, prefix) : prefix + path;
    return await new Browser(server, callback, prefix, provider).login(new URL(begin, callback));
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

/** Another server of the same application, so that it may listen, or not. */
async function front(app: INestApplication): Promise<Server> {
  const own: Server = app.getHttpServer();
  const listener: RequestListener = (incoming, response) => own.emit('request', incoming, response);
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function ready(instance: unknown): Promise<void> {
  const method = member(instance, 'ready');
  if (typeof method === 'function') {
    await Reflect.apply(method, instance, []);
  }
}

/** The public path of a route that begins a login. */
function loginPath(app: INestApplication, client: string | undefined, callback: URL, prefix: string): string {
  const sessions = app.get<ClientSessions>(clientSessionsToken(client), { strict: false });
  const mounted = sessions.loginRedirect.loginUrl('/');
  if (mounted !== undefined) {
    return mounted;
  }
  const [own] = app
    .get(MappedRoutes, { strict: false })
    .list()
    .filter(({ method, guards }) => method === 'GET' && guards.some(logsIn))
    .flatMap(({ paths }) => paths)
    .filter((path) => prefix + path !== callback.pathname && !/[:*{}]/.test(path));
  if (own === undefined) {
    throw new Error('The application has no route that begins a login. Pass the path of one: { path }.');
  }
  return prefix + own;
}

/** A browser that knows the application and the provider, and nobody else. */
class Browser {
  readonly #cookies = new Map<string, string>();

  constructor(
    private readonly server: Server,
    private readonly callback: URL,
    /** What a proxy in front of the application cuts off paths. */
    private readonly prefix: string,
    private readonly provider: LoginProvider,
  ) {}

  /** @returns its `Cookie` header at the application, after the answer to the callback */
  async login(begin: URL): Promise<string> {
    let navigation: Navigation = { url: begin };
    for (let step = 0; step < MOST_STEPS; step += 1) {
      const { url } = navigation;
      const answer = await this.#visit(navigation);
      const next = nextOf(answer, url);
      if (this.#isCallback(url) && answer.status < 400 && (next?.form === undefined || url.hash === '')) {
        return this.#cookieHeader();
      }
      if (next === undefined) {
        throw new Error(`The login ended at ${url.origin}${url.pathname} with ${answer.status}: ${answer.body}`);
      }
      navigation = next;
    }
    throw new Error('The login goes round in circles.');
  }

  #isCallback({ origin, pathname }: URL): boolean {
    return origin === this.callback.origin && pathname === this.callback.pathname;
  }

  async #visit({ url, form, from }: Navigation): Promise<Answer> {
    const isOurs = url.origin === this.callback.origin;
    if (!isOurs && !url.href.startsWith(this.provider.issuer)) {
      throw new Error(`The login leads to ${url.origin}, which is neither the application nor the provider.`);
    }
    const cookie = isOurs ? this.#cookieHeader() : this.provider.cookie;
    const response = await request(isOurs ? this.#addressOf(url) : url, {
      method: form === undefined ? 'GET' : 'POST',
      body: form === undefined ? null : form.toString(),
      reset: true,
      headers: {
        host: url.host,
        accept: 'text/html',
        'sec-fetch-mode': 'navigate',
        'sec-fetch-dest': 'document',
        'sec-fetch-site': from === undefined ? 'none' : from.origin === url.origin ? 'same-origin' : 'cross-site',
        ...(cookie !== '' && { cookie }),
        ...(form !== undefined && { 'content-type': 'application/x-www-form-urlencoded' }),
        ...(form !== undefined && from !== undefined && { origin: from.origin }),
      },
    });
    const { location, 'set-cookie': setCookies = [] } = response.headers;
    const answer = {
      status: response.statusCode,
      location: typeof location === 'string' ? location : undefined,
      setCookies: [setCookies].flat(),
      body: await response.body.text(),
    };
    if (isOurs) {
      answer.setCookies.forEach((line) => this.#keep(line));
    }
    return answer;
  }

  /** Where the application hears the request, whatever its public address is. */
  #addressOf(url: URL): URL {
    const { port } = addressOf(this.server);
    const path = url.pathname.startsWith(this.prefix) ? url.pathname.slice(this.prefix.length) : url.pathname;
    return new URL(path + url.search, `http://127.0.0.1:${port}`);
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

/** Where a redirect or the form of a page leads. */
function nextOf({ status, location, body }: Answer, url: URL): Navigation | undefined {
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

function addressOf(server: Server): AddressInfo {
  const address = server.address();
  if (typeof address !== 'object' || address === null) {
    throw new Error('The server does not listen on a port.');
  }
  return address;
}
