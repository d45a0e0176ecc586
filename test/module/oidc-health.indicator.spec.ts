import { Controller, Get } from '@nestjs/common';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { describe, expect, it } from '@jest/globals';

import { MemoryStore, OidcClient, OidcModule, StoreError } from '../../lib/index.js';
import { OidcHealthIndicator } from '../../lib/terminus.js';
import {
  AUDIENCE,
  createApp,
  onBothAdapters,
  SESSION_SECRET,
  type AppSetup,
  type TestApp,
} from '../support/app/apps.js';
import { CLIENT_SECRET, startProvider } from '../support/provider/provider.js';
import { storeLike, storeThat } from '../support/store/stores.js';

@Controller('health')
class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly oidc: OidcHealthIndicator,
  ) {}

  @Get()
  @HealthCheck()
  check() {
    return this.health.check([() => this.oidc.isHealthy('oidc')]);
  }

  @Get('partners')
  @HealthCheck()
  partners() {
    return this.health.check([() => this.oidc.isHealthy('partners', { client: 'partners' })]);
  }
}

function createHealthApp(setup: AppSetup): Promise<TestApp> {
  return createApp({
    controllers: [HealthController],
    imports: [TerminusModule.forRoot({ logger: false }), ...(setup.imports ?? [])],
    providers: [OidcHealthIndicator],
    ...setup,
  });
}

/** Status code, Terminus's own word, and what it says of the client. */
async function healthOf(app: TestApp, path = '/health') {
  const response = await app.get(path);
  const { status, details } = response.json();
  return { code: response.status, status, ...Object(details) };
}

/** Later than the time for which a result is kept. */
const LATER = 6;

onBothAdapters((adapter) => {
  it('says that no client has the name, or none is without one', async () => {
    const app = await createHealthApp({ adapter });
    expect((await app.get('/health/partners')).status).toBe(500);
    expect(app.errors.at(-1)).toMatchObject({
      name: 'ConfigError',
      code: 'INVALID_CONFIG',
      message: 'client: no client is named partners',
    });
    const named = await createHealthApp({ adapter, extras: { name: 'other' }, controllers: [HealthController] });
    expect((await named.get('/health')).status).toBe(500);
    expect(named.errors.at(-1)).toMatchObject({ message: 'client: no client is without a name' });
  });

  it('says that all is well', async () => {
    const app = await createHealthApp({ adapter, options: { store: new MemoryStore() } });
    expect(await healthOf(app)).toEqual({
      code: 200,
      status: 'ok',
      oidc: {
        status: 'up',
        issuer: app.op.issuer,
        provider: 'reachable',
        keys: 'fetched',
        store: 'reachable',
        circuit: 'closed',
      },
    });
  });

  it('is degraded while sessions and kept keys serve, and up again with the provider', async () => {
    const app = await createHealthApp({
      adapter,
      options: { resourceServer: { audience: AUDIENCE, validation: 'jwt' } },
    });
    await healthOf(app);
    app.clock.advance(LATER);
    app.op.answer('discovery', { status: 500 });
    app.op.answer('jwks', { status: 500 });
    expect(await healthOf(app)).toEqual({
      code: 200,
      status: 'degraded',
      oidc: {
        status: 'degraded',
        issuer: app.op.issuer,
        provider: 'unreachable',
        keys: 'kept',
        circuit: 'closed',
        codes: { provider: 'UPSTREAM_ERROR', keys: 'UPSTREAM_ERROR' },
        serves: ['sessions', 'signed tokens'],
      },
    });
    app.op.heal();
    app.clock.advance(LATER);
    expect(await healthOf(app)).toMatchObject({ code: 200, oidc: { status: 'up' } });
  });

  it('is down where nothing is left to serve', async () => {
    const app = await createHealthApp({ adapter, options: { session: undefined } });
    const { issuer } = app.op;
    await app.op.die();
    expect(await healthOf(app)).toEqual({
      code: 503,
      status: 'error',
      oidc: {
        status: 'down',
        issuer,
        provider: 'unreachable',
        keys: 'missing',
        circuit: 'closed',
        codes: { provider: 'UPSTREAM_UNAVAILABLE', keys: 'UPSTREAM_UNAVAILABLE' },
        serves: [],
      },
    });
  });
});

describe('the health of a client', () => {
  it('is degraded without the store, and says no word of the error', async () => {
    const store = storeThat(() => {
      throw new StoreError('STORE_UNAVAILABLE', 'redis://user:hunter2@10.0.0.7 does not answer.');
    });
    const app = await createHealthApp({ adapter: 'express', options: { store } });
    const response = await app.get('/health');
    expect(response.body).not.toContain('hunter2');
    expect(response.body).not.toContain(CLIENT_SECRET);
    expect(response.body).not.toContain(SESSION_SECRET);
    expect(response.json()['details']).toEqual({
      oidc: {
        status: 'degraded',
        issuer: app.op.issuer,
        provider: 'reachable',
        keys: 'fetched',
        store: 'unreachable',
        circuit: 'closed',
        codes: { store: 'STORE_UNAVAILABLE' },
        serves: ['introspection'],
      },
    });
  });

  it('does not wait for a store that never answers, and asks it no more until a minute has gone', async () => {
    const answers: ((value: undefined) => void)[] = [];
    const get = () => new Promise<undefined>((resolve) => answers.push(resolve));
    const store = storeLike(new MemoryStore(), { get });
    const options = { store, resourceServer: undefined, http: { timeout: 1000 } };
    const app = await createHealthApp({ adapter: 'express', options });
    const hung = {
      code: 503,
      oidc: { status: 'down', store: 'unreachable', codes: { store: 'STORE_TIMEOUT' }, serves: [] },
    };
    for (let check = 0; check < 3; check += 1) {
      expect([await healthOf(app), answers.length]).toMatchObject([hung, 1]);
      app.clock.advance(LATER);
    }
    app.clock.advance(60);
    expect([await healthOf(app), answers.length]).toMatchObject([hung, 2]);
    app.clock.advance(LATER);
    answers[1]?.(undefined);
    store.get = () => undefined;
    expect(await healthOf(app)).toMatchObject({ code: 200, oidc: { status: 'up', store: 'reachable' } });
  });

  it('asks a store anew whose late answer has come', async () => {
    const answers: ((value: undefined) => void)[] = [];
    const get = () => new Promise<undefined>((resolve) => answers.push(resolve));
    const options = { store: storeLike(new MemoryStore(), { get }), http: { timeout: 1000 } };
    const app = await createHealthApp({ adapter: 'express', options });
    expect(await healthOf(app)).toMatchObject({ oidc: { store: 'unreachable' } });
    answers[0]?.(undefined);
    app.clock.advance(LATER);
    expect([await healthOf(app), answers.length]).toMatchObject([{ oidc: { codes: { store: 'STORE_TIMEOUT' } } }, 2]);
  });

  it('counts an error of an own store as a store that is not there', async () => {
    const store = storeLike(new MemoryStore(), {
      get: () => {
        throw new TypeError('no connection to hunter2');
      },
    });
    const app = await createHealthApp({ adapter: 'express', options: { store, resourceServer: undefined } });
    expect(await healthOf(app)).toMatchObject({
      code: 503,
      oidc: { status: 'down', codes: { store: 'STORE_UNAVAILABLE' }, serves: [] },
    });
  });

  it('names cached introspections that still serve, and an open circuit with its time', async () => {
    const app = await createHealthApp({
      adapter: 'express',
      options: { session: undefined, resourceServer: { audience: AUDIENCE, cache: { ttl: 60 } } },
    });
    await healthOf(app);
    app.clock.advance(LATER);
    app.op.answer('introspect', { status: 429, headers: { 'retry-after': '30' } });
    await app.nest
      .get(OidcClient)
      .introspect('opaque')
      .catch(() => undefined);
    const { oidc } = await healthOf(app);
    expect(oidc).toEqual({
      status: 'degraded',
      issuer: app.op.issuer,
      provider: 'unreachable',
      keys: 'kept',
      circuit: 'open',
      retryAfter: 30,
      codes: { provider: 'RATE_LIMITED', keys: 'RATE_LIMITED', circuit: 'RATE_LIMITED' },
      serves: ['cached introspections'],
    });
  });

  it('asks the provider once in five seconds, however often it is asked itself', async () => {
    const app = await createHealthApp({ adapter: 'express' });
    await Promise.all([healthOf(app), healthOf(app), healthOf(app)]);
    await healthOf(app);
    expect(app.op.requests('discovery')).toHaveLength(1);
    expect(app.op.requests('jwks')).toHaveLength(1);
    app.clock.advance(LATER);
    await healthOf(app);
    expect(app.op.requests('jwks')).toHaveLength(2);
  });

  it('is that of a named client', async () => {
    const partners = await startProvider();
    const app = await createHealthApp({
      adapter: 'express',
      imports: [
        TerminusModule.forRoot({ logger: false }),
        OidcModule.forRoot({
          name: 'partners',
          issuer: partners.issuer,
          client: { client_id: 'p1', client_secret: CLIENT_SECRET },
          resourceServer: { audience: AUDIENCE },
        }),
      ],
    });
    const { issuer } = partners;
    await partners.die();
    expect(await healthOf(app)).toMatchObject({ code: 200, oidc: { status: 'up' } });
    expect(await healthOf(app, '/health/partners')).toMatchObject({
      code: 503,
      partners: { status: 'down', issuer, provider: 'unreachable' },
    });
  });

  it('has a state of its own where Terminus knows none for it', async () => {
    const app = await createHealthApp({ adapter: 'express' });
    await app.op.die();
    // Terminus 11 has sessions with these two calls.
    const service = {
      check: () => ({ up: (data: object) => ({ oidc: { status: 'up', ...data } }), down: () => ({}) }),
    };
    const indicator = app.nest.get(OidcHealthIndicator);
    Reflect.set(indicator, 'indicators', service);
    expect(await indicator.isHealthy('oidc')).toMatchObject({
      oidc: { status: 'up', degraded: true, serves: ['sessions'] },
    });
  });
});
