import { randomBytes } from 'node:crypto';
import type { Server } from 'node:http';

import { describe } from '@jest/globals';
import {
  Catch,
  Module,
  type ArgumentsHost,
  type INestApplication,
  type NestApplicationOptions,
  type Provider,
  type Type,
} from '@nestjs/common';
import { BaseExceptionFilter, NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { request } from 'undici';

import {
  OIDC_CLOCK,
  OidcException,
  OidcModule,
  type ClientMetadata,
  type OidcModuleExtras,
  type OidcModuleOptions,
} from '../../../lib/index.js';
import type { TestClock } from '../clock.js';
import { closeLater } from '../closing.js';
import { freePort } from '../ports.js';
import type { HostileProvider } from '../provider/hostile-provider.js';
import type { RegisteredClient } from '../provider/correct/clients.js';
import { CLIENT_SECRET, startProvider } from '../provider/provider.js';
import { CONTROLLERS, Handled } from './app-controllers.js';
import { CapturedLogger, type LogLine } from './captured-logger.js';
import { TestResponse } from './test-response.js';

export type Adapter = 'express' | 'fastify';

export const SESSION_SECRET = randomBytes(32).toString('base64url');

export const AUDIENCE = 'https://api.test';

/** What an application needs to know of its provider. */
export interface TestProvider {
  readonly issuer: string;
  readonly clock: TestClock;
  register(client: RegisteredClient): void;
  close(): Promise<void>;
}

type OrUndefined<T> = { readonly [member in keyof T]?: T[member] | undefined };

export interface AppSetup<P extends TestProvider = HostileProvider> {
  readonly adapter: Adapter;
  /** Default: a provider of its own, closed with the application. */
  readonly op?: P;
  /** Stands above the defaults, member by member; undefined removes one. */
  readonly options?: OrUndefined<OidcModuleOptions>;
  /** Stands above the default client, member by member; undefined removes one. */
  readonly client?: OrUndefined<ClientMetadata>;
  /** What the provider knows of the client, where it is not what the application says. */
  readonly registered?: OrUndefined<RegisteredClient>;
  /** `name`, `imports`, `providers` and `isGlobal` of the module. */
  readonly extras?: OidcModuleExtras;
  /** In place of the default ones. */
  readonly controllers?: readonly Type[];
  readonly imports?: readonly NonNullable<Parameters<typeof Module>[0]['imports']>[number][];
  readonly providers?: readonly Provider[];
  readonly bodyParser?: boolean;
  readonly rawBody?: boolean;
  readonly globalPrefix?: string;
  /**
   * The origin that the application has in the browser, such as `https://app.test`, with somebody in front who ends TLS:
   * the redirect URIs are there. A `Browser` that is given the application finds it.
   */
  readonly publicUrl?: string;
  /** Whose `X-Forwarded-*` the framework believes: nobody's, everybody's, that of so many hops, or of these addresses. */
  readonly trustProxy?: boolean | number | string;
  /** False: no exception filter of ours stands before the test's own; `refusals` and `errors` stay empty. */
  readonly recordsRefusals?: boolean;
  /** Speaks TLS, as Node's own server does with these. */
  readonly https?: {
    readonly cert: string;
    readonly key: string;
    readonly requestCert: boolean;
    readonly rejectUnauthorized: boolean;
  };
  /** Lives until the end of the `describe`, for `beforeAll`; default: until the end of the test. */
  readonly keep?: boolean;
  /** Runs before the application listens. */
  readonly configure?: (nest: INestApplication) => void | Promise<void>;
}

export interface RequestOptions {
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS';
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Uint8Array;
}

/** An application that runs, and what it did. */
export class TestApp<P extends TestProvider = HostileProvider> {
  #handledBefore = 0;

  constructor(
    readonly adapter: Adapter,
    readonly nest: INestApplication,
    readonly op: P,
    /** Where it listens: `http://127.0.0.1:<port>`. */
    readonly address: string,
    /** Its origin in the browser; without `publicUrl` the address. */
    readonly url: string,
    readonly client: ClientMetadata,
    private readonly logger: CapturedLogger,
    private readonly recorder: Recorder,
    private readonly handlers: Handled,
  ) {
    const server: Server = nest.getHttpServer();
    server.prependListener('request', () => {
      this.#handledBefore = handlers.calls.length;
    });
  }

  get clock(): TestClock {
    return this.op.clock;
  }

  /** Every line of every level since the boot began. */
  get logs(): readonly LogLine[] {
    return this.logger.lines;
  }

  /** What the guards threw; `refusals[0]?.cause?.code` is the fine code. */
  get refusals(): readonly OidcException[] {
    return this.recorder.refusals;
  }

  /** Everything that was thrown and is no refusal. */
  get errors(): readonly unknown[] {
    return this.recorder.errors;
  }

  /** The handlers that ran: `GET /orders`. */
  get handled(): readonly string[] {
    return this.handlers.calls;
  }

  /** Those that ran since the last request came, by whatever way. */
  get handledByLast(): readonly string[] {
    return this.handlers.calls.slice(this.#handledBefore);
  }

  /** The code behind the last refusal. */
  get lastCode(): string | undefined {
    return this.refusals.at(-1)?.cause?.code;
  }

  /** One request without cookies and without redirects. */
  async request(path: string, { method = 'GET', headers = {}, body }: RequestOptions = {}): Promise<TestResponse> {
    const answer = await request(this.address + path, { method, headers, body: body ?? null, reset: true });
    return TestResponse.of(answer.statusCode, answer.headers, await answer.body.text());
  }

  get(path: string, headers: RequestOptions['headers'] = {}): Promise<TestResponse> {
    return this.request(path, { headers });
  }

  post(path: string, body = '', headers: RequestOptions['headers'] = {}): Promise<TestResponse> {
    return this.request(path, { method: 'POST', body, headers });
  }

  /** With a bearer token. */
  call(path: string, token: string, options: RequestOptions = {}): Promise<TestResponse> {
    return this.request(path, { ...options, headers: { authorization: `Bearer ${token}`, ...options.headers } });
  }
}

/**
 * A `describe` for each HTTP adapter.
 *
 * ```ts
 * onBothAdapters((adapter) => {
 *   it('RS-01 …', async () => {
 *     const app = await createApp({ adapter });
 *     const response = await app.call('/orders', app.op.issue({ scope: 'orders:read' }));
 *     expect(response.status).toBe(200);
 *   });
 * });
 * ```
 */
export function onBothAdapters(tests: (adapter: Adapter) => void): void {
  describe.each<Adapter>(['express', 'fastify'])('%s', tests);
}

/**
 * Boots a real application on a free port of loopback, as client `rp1` of the provider, with the controllers of
 * `app-controllers.ts`; see {@link onBothAdapters}. It is closed at the end of the test.
 *
 * @throws what the boot threw, such as `ConfigError`
 */
export function createApp(setup: AppSetup & { readonly op?: HostileProvider }): Promise<TestApp>;
export function createApp<P extends TestProvider>(setup: AppSetup<P> & { readonly op: P }): Promise<TestApp<P>>;
export async function createApp(setup: AppSetup<TestProvider>): Promise<TestApp<TestProvider>> {
  const op = setup.op ?? (await startProvider(setup));
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await boot(setup, op, await freePort());
    } catch (error) {
      // Somebody else took the port meanwhile.
      if (attempt === 3 || Object(error).code !== 'EADDRINUSE') {
        throw error;
      }
    }
  }
}

async function boot(setup: AppSetup<TestProvider>, op: TestProvider, port: number): Promise<TestApp<TestProvider>> {
  const address = `${setup.https === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
  const url = setup.publicUrl ?? address;
  const client = clientOf(setup, url);
  op.register(defined({ ...client, ...setup.registered }));
  const logger = new CapturedLogger();
  const handled = new Handled();
  const nest = await NestFactory.create(
    rootModule(setup, optionsOf(setup, op.issuer, client), op.clock, handled),
    setup.adapter === 'express' ? new ExpressAdapter() : fastify(setup),
    nestOptions(setup, logger),
  );
  closeLater(nest, setup.keep);
  if (setup.adapter === 'express' && setup.trustProxy !== undefined) {
    nest.getHttpAdapter().getInstance().set('trust proxy', setup.trustProxy);
  }
  const recorder = new Recorder(nest.getHttpAdapter());
  if (setup.recordsRefusals !== false) {
    nest.useGlobalFilters(recorder);
  }
  if (setup.globalPrefix !== undefined) {
    nest.setGlobalPrefix(setup.globalPrefix);
  }
  await setup.configure?.(nest);
  await nest.listen(port, '127.0.0.1');
  return new TestApp(setup.adapter, nest, op, address, url, client, logger, recorder, handled);
}

function fastify({ https, trustProxy = false }: AppSetup<TestProvider>): FastifyAdapter {
  // It takes no number of hops: a function says the same.
  const trusted = typeof trustProxy === 'number' ? (_address: string, hop: number) => hop < trustProxy : trustProxy;
  return https === undefined
    ? new FastifyAdapter({ trustProxy: trusted })
    : new FastifyAdapter({ https, trustProxy: trusted });
}

function nestOptions(
  { bodyParser, rawBody, https }: AppSetup<TestProvider>,
  logger: CapturedLogger,
): NestApplicationOptions {
  return {
    logger,
    abortOnError: false,
    forceCloseConnections: true,
    ...(bodyParser !== undefined && { bodyParser }),
    ...(rawBody !== undefined && { rawBody }),
    ...(https !== undefined && { httpsOptions: https }),
  };
}

function rootModule(
  { extras = {}, imports = [], controllers = CONTROLLERS, providers = [] }: AppSetup<TestProvider>,
  options: OidcModuleOptions,
  clock: TestClock,
  handled: Handled,
): Type {
  const ownClock = { provide: OIDC_CLOCK, useValue: clock.now };
  @Module({
    imports: [
      OidcModule.forRoot({ ...options, ...extras, providers: [ownClock, ...(extras.providers ?? [])] }),
      ...imports,
    ],
    controllers: [...controllers],
    providers: [{ provide: Handled, useValue: handled }, ...providers],
    exports: [Handled],
  })
  class AppModule {}
  return AppModule;
}

function clientOf({ client, globalPrefix }: AppSetup<TestProvider>, url: string): ClientMetadata {
  const prefix = globalPrefix === undefined ? '' : `/${globalPrefix}`;
  return defined({
    client_id: 'rp1',
    client_secret: CLIENT_SECRET,
    redirect_uris: [`${url}${prefix}/auth/callback`],
    post_logout_redirect_uris: [`${url}/`],
    ...client,
  });
}

function optionsOf({ options }: AppSetup<TestProvider>, issuer: string, client: ClientMetadata): OidcModuleOptions {
  return defined({
    issuer,
    client,
    session: { secret: SESSION_SECRET },
    resourceServer: { audience: AUDIENCE },
    ...options,
  });
}

/** Without the members that are undefined; symbols stay. */
function defined<T extends object, U extends object>(members: U): T {
  const kept = Reflect.ownKeys(members).filter((key) => Reflect.get(members, key) !== undefined);
  return Object.fromEntries(kept.map((key) => [key, Reflect.get(members, key)])) as T;
}

/** Keeps what is thrown and leaves the answer to Nest. */
@Catch()
class Recorder extends BaseExceptionFilter {
  readonly refusals: OidcException[] = [];
  readonly errors: unknown[] = [];

  override catch(exception: unknown, host: ArgumentsHost): void {
    if (exception instanceof OidcException) {
      this.refusals.push(exception);
    } else {
      this.errors.push(exception);
    }
    super.catch(exception, host);
  }
}
