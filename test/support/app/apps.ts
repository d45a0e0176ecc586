import { randomBytes } from 'node:crypto';

import { describe } from '@jest/globals';
import { Module, type INestApplication, type NestApplicationOptions, type Provider, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';

import {
  OIDC_CLOCK,
  OidcModule,
  type ClientMetadata,
  type OidcModuleExtras,
  type OidcModuleOptions,
} from '../../../lib/index.js';
import type { RegisteredClient } from '../../../lib/testing/provider/clients.js';
import type { TestClock } from '../clock.js';
import { closeLater } from '../closing.js';
import { LIMITS } from '../http/limits.js';
import { freePort } from '../ports.js';
import type { HostileProvider } from '../provider/hostile-provider.js';
import { CLIENT_SECRET, startProvider } from '../provider/provider.js';
import { CONTROLLERS, Handled } from './app-controllers.js';
import { CapturedLogger } from './captured-logger.js';
import { Recorder } from './recorder.js';
import { TestApp, type Adapter, type AppProvider } from './test-app.js';

export { TestApp, type Adapter, type AppProvider, type RequestOptions } from './test-app.js';

export const SESSION_SECRET = randomBytes(32).toString('base64url');

export const AUDIENCE = 'https://api.test';

type OrUndefined<T> = { readonly [member in keyof T]?: T[member] | undefined };

export interface AppSetup<P extends AppProvider = HostileProvider> {
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
export function createApp<P extends AppProvider>(setup: AppSetup<P> & { readonly op: P }): Promise<TestApp<P>>;
export async function createApp(setup: AppSetup<AppProvider>): Promise<TestApp<AppProvider>> {
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

async function boot(setup: AppSetup<AppProvider>, op: AppProvider, port: number): Promise<TestApp<AppProvider>> {
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

function fastify({ https, trustProxy = false }: AppSetup<AppProvider>): FastifyAdapter {
  // It takes no number of hops: a function says the same.
  const trusted = typeof trustProxy === 'number' ? (_address: string, hop: number) => hop < trustProxy : trustProxy;
  return https === undefined
    ? new FastifyAdapter({ trustProxy: trusted })
    : new FastifyAdapter({ https, trustProxy: trusted });
}

function nestOptions(
  { bodyParser, rawBody, https }: AppSetup<AppProvider>,
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
  { extras = {}, imports = [], controllers = CONTROLLERS, providers = [] }: AppSetup<AppProvider>,
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

function clientOf({ client, globalPrefix, options }: AppSetup<AppProvider>, url: string): ClientMetadata {
  const prefix = globalPrefix === undefined ? '' : `/${globalPrefix}`;
  // Mounted routes take the browser back from a logout.
  const loggedOut = options?.routes === undefined ? '/' : `${prefix}/auth/logged-out`;
  return defined({
    client_id: 'rp1',
    client_secret: CLIENT_SECRET,
    redirect_uris: [`${url}${prefix}/auth/callback`],
    post_logout_redirect_uris: [`${url}${loggedOut}`],
    ...client,
  });
}

function optionsOf({ options }: AppSetup<AppProvider>, issuer: string, client: ClientMetadata): OidcModuleOptions {
  return defined({
    issuer,
    client,
    session: { secret: SESSION_SECRET },
    resourceServer: { audience: AUDIENCE },
    ...options,
    http: { timeout: LIMITS.timeout, connectTimeout: LIMITS.connectTimeout, ...options?.http },
  });
}

/** Without the members that are undefined; symbols stay. */
function defined<T extends object, U extends object>(members: U): T {
  const kept = Reflect.ownKeys(members).filter((key) => Reflect.get(members, key) !== undefined);
  return Object.fromEntries(kept.map((key) => [key, Reflect.get(members, key)])) as T;
}
