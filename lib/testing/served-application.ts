import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';

import type { INestApplication } from '@nestjs/common';
import { request } from 'undici';

import { cutPrefixOf } from '../login/relocation.js';
import type { ParsedOptions } from '../module/oidc.options.js';
import { optionsToken } from '../nest/tokens.js';
import { member } from '../values/member.js';
import { portOf } from './provider/loopback-server.js';

/** A request, and where it goes. */
export interface TestRequest {
  readonly url: URL;
  /** The body; undefined: it is a GET. */
  readonly form?: URLSearchParams | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface TestAnswer {
  readonly status: number;
  readonly location: string | undefined;
  readonly setCookies: readonly string[];
  readonly body: string;
}

/** Sends a request over a connection of its own, to its URL or to another address. */
export async function send({ url, form, headers }: TestRequest, address = url): Promise<TestAnswer> {
  const answer = await request(address, {
    method: form === undefined ? 'GET' : 'POST',
    body: form === undefined ? null : form.toString(),
    reset: true,
    headers: {
      host: url.host,
      ...(form !== undefined && { 'content-type': 'application/x-www-form-urlencoded' }),
      ...headers,
    },
  });
  const { location, 'set-cookie': setCookies = [] } = answer.headers;
  return {
    status: answer.statusCode,
    location: typeof location === 'string' ? location : undefined,
    setCookies: [setCookies].flat(),
    body: await answer.body.text(),
  };
}

/**
 * Calls an application under its public address, that of its redirect URI, as a proxy does that ends TLS and may cut off a
 * prefix. The application need not listen.
 */
export class ServedApplication {
  /** What the proxy cuts off. */
  readonly prefix: string;

  private constructor(
    private readonly server: Server,
    readonly callback: URL,
    readonly metadata: ParsedOptions['client']['metadata'],
    callbackPath: string | undefined,
  ) {
    this.prefix = cutPrefixOf(callback.pathname, callbackPath) ?? '';
  }

  /**
   * @param client the name of the client, where there are several
   * @throws the client has no redirect URI, or is one of another provider
   */
  static async of(app: INestApplication, issuer: string, client: string | undefined): Promise<ServedApplication> {
    // Express and Fastify know their routes after that. It does nothing where it was done before.
    await app.init();
    await ready(app.getHttpAdapter().getInstance());
    const options = app.get<ParsedOptions>(optionsToken(client), { strict: false });
    const { metadata } = options.client;
    if (options.issuer !== issuer) {
      throw new Error(
        `The application is at ${options.issuer} and not at this provider. A test has to override its options.`,
      );
    }
    const [redirectUri] = metadata.redirect_uris ?? [];
    if (redirectUri === undefined) {
      throw new Error('The client has no redirect_uris, so nobody can sign in.');
    }
    return new ServedApplication(await listening(app), new URL(redirectUri), metadata, options.login.callbackPath);
  }

  /** Whether it is at the origin of a URL. */
  isAt({ origin }: URL): boolean {
    return origin === this.callback.origin;
  }

  send(request: TestRequest): Promise<TestAnswer> {
    const { pathname, search } = request.url;
    const path = pathname.startsWith(this.prefix) ? pathname.slice(this.prefix.length) : pathname;
    return send(request, new URL(path + search, `http://127.0.0.1:${portOf(this.server)}`));
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}

async function ready(instance: unknown): Promise<void> {
  const method = member(instance, 'ready');
  if (typeof method === 'function') {
    await Reflect.apply(method, instance, []);
  }
}

async function listening(app: INestApplication): Promise<Server> {
  const own: Server = app.getHttpServer();
  const listener: RequestListener = (incoming, response) => own.emit('request', incoming, response);
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
