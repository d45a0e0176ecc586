import { afterEach, expect, it } from '@jest/globals';
import { Controller, Get, UseGuards } from '@nestjs/common';
import { context, trace, type Attributes } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';

import {
  AccessTokenValidation,
  discoverIssuer,
  Introspection,
  OidcAnyGuard,
  OidcClient,
  OidcGuard,
  Public,
} from '../../lib/index.js';
import { AuthController, MeController } from '../support/app/app-controllers.js';
import { createApp, onBothAdapters } from '../support/app/apps.js';
import { expectNoSecrets } from '../support/app/outcomes.js';
import { clientOf, rejection } from '../support/client/client.js';
import { Api } from '../support/http/api.js';
import { CLIENT_SECRET, startProvider } from '../support/provider/provider.js';
import { instrumented } from '../support/telemetry.js';

const CACHED = { resourceServer: { audience: 'https://api.test', cache: {} } };

afterEach(() => context.disable());

@Controller('bounds')
@UseGuards(OidcGuard)
class Bounds {
  @Get('exp')
  @AccessTokenValidation('jwt')
  exp() {}

  @Get('asked')
  @Introspection({ maxAge: 0 })
  asked() {}

  @Get('stale')
  @Introspection({ maxAge: 5, staleIfError: 60 })
  stale() {}

  @Get('open')
  @Public()
  open() {}

  @Get('session')
  @UseGuards(OidcAnyGuard)
  either() {}
}

onBothAdapters((adapter) => {
  it('shows how long a revoked token passes at each route, and the log says it at the boot', async () => {
    const { metrics } = instrumented();
    const app = await createApp({ adapter, options: CACHED, controllers: [Bounds, MeController, AuthController] });
    const { 'nestjs_oidc.revocation.bound': bounds, 'nestjs_oidc.revocation.until_expiry': unbounded } =
      await metrics();
    expect(bounds).toEqual([
      { 'nestjs_oidc.route': 'Bounds.asked', value: 0 },
      { 'nestjs_oidc.route': 'Bounds.stale', value: 65 },
      { 'nestjs_oidc.route': 'Bounds.either', value: 30 },
    ]);
    expect(unbounded).toEqual([{ 'nestjs_oidc.route': 'Bounds.exp', value: 1 }]);
    expect(
      app.logs.filter(({ text }) => text.includes('revoked')).map(({ level, message }) => [level, message]),
    ).toEqual([
      [
        'log',
        'A revoked token passes until its exp at 1 route (Bounds.exp); for 65 s at most at 1 route (Bounds.stale); ' +
          'for 30 s at most at 1 route (Bounds.either); for 0 s at most at 1 route (Bounds.asked)',
      ],
    ]);
  });

  it('makes a span of each call to the provider, as the child of the active one', async () => {
    const { spans, tracerProvider } = instrumented();
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const app = await createApp({ adapter });
    const client = app.nest.get(OidcClient);
    const parent = tracerProvider.getTracer('test').startSpan('parent');
    const call = () => client.introspect(app.op.issue()).catch((error: unknown) => error);
    await context.with(trace.setSpan(context.active(), parent), async () => {
      await call();
      app.op.answer('introspect', 'reset');
      await call();
      app.op.answer('introspect', { status: 401, body: { error: 'invalid_client' } });
      await call();
    });
    const own = {
      'server.address': '127.0.0.1',
      'server.port': Number(new URL(app.op.issuer).port),
    };
    const introspection = (more: Attributes) => ({
      name: 'POST introspection_endpoint',
      attributes: {
        ...own,
        'http.request.method': 'POST',
        'url.full': `${app.op.issuer}/introspect`,
        'nestjs_oidc.endpoint': 'introspection_endpoint',
        ...more,
      },
    });
    expect(spans.getFinishedSpans().map(({ name, attributes }) => ({ name, attributes }))).toEqual([
      {
        name: 'GET discovery',
        attributes: {
          ...own,
          'http.request.method': 'GET',
          'url.full': `${app.op.issuer}/.well-known/openid-configuration`,
          'nestjs_oidc.endpoint': 'discovery',
          'http.response.status_code': 200,
        },
      },
      introspection({ 'http.response.status_code': 200 }),
      introspection({ 'error.type': 'UPSTREAM_UNAVAILABLE', 'http.request.resend_count': 1 }),
      introspection({ 'error.type': '401', 'http.response.status_code': 401 }),
    ]);
    const [discovery, ...others] = spans.getFinishedSpans();
    expect(discovery?.parentSpanContext?.spanId).toBe(parent.spanContext().spanId);
    expect(others.map(({ kind, status }) => ({ kind, status }))).toEqual([
      { kind: 2, status: { code: 0 } },
      { kind: 2, status: { code: 2 } },
      { kind: 2, status: { code: 2 } },
    ]);
    expect(new Set(others.map(({ parentSpanContext }) => parentSpanContext?.spanId)).size).toBe(1);
  });

  it('counts decisions, looks into the cache, audit events and calls, without a secret', async () => {
    const { spans, metrics } = instrumented();
    const app = await createApp({ adapter, options: CACHED });
    const token = app.op.issue({ scope: 'orders:read' });
    await app.call('/orders', token);
    await app.call('/orders', token);
    await app.get('/orders');
    const recorded = await metrics();
    const decision = {
      'nestjs_oidc.guard': 'OidcGuard',
      'nestjs_oidc.call': 'http',
      'nestjs_oidc.route': 'OrdersController.list',
      'nestjs_oidc.client_id': 'rp1',
    };
    const call = { 'server.address': '127.0.0.1', 'server.port': Number(new URL(app.op.issuer).port) };
    expect(recorded).toEqual({
      'nestjs_oidc.decisions': [
        { ...decision, 'nestjs_oidc.outcome': 'admitted', value: 2 },
        { ...decision, 'nestjs_oidc.outcome': 'refused', 'error.type': 'CREDENTIALS_MISSING', value: 1 },
      ],
      'nestjs_oidc.cache.lookups': [
        { 'nestjs_oidc.cache': 'introspection', 'nestjs_oidc.result': 'miss', value: 1 },
        { 'nestjs_oidc.cache': 'introspection', 'nestjs_oidc.result': 'hit', value: 1 },
      ],
      'nestjs_oidc.audit.events': [
        {
          'nestjs_oidc.event': 'refusal',
          'nestjs_oidc.outcome': 'failure',
          'error.type': 'CREDENTIALS_MISSING',
          value: 1,
        },
      ],
      'nestjs_oidc.revocation.bound': ['OrdersController.list', 'OrdersController.create', 'AnyController.any'].map(
        (route) => ({ 'nestjs_oidc.route': route, value: 30 }),
      ),
      'http.client.request.duration': [
        {
          ...call,
          'http.request.method': 'GET',
          'nestjs_oidc.endpoint': 'discovery',
          'http.response.status_code': 200,
          value: 1,
        },
        {
          ...call,
          'http.request.method': 'POST',
          'nestjs_oidc.endpoint': 'introspection_endpoint',
          'http.response.status_code': 200,
          value: 1,
        },
      ],
    });
    expectNoSecrets(app, undefined, [token, CLIENT_SECRET]);
    const told = JSON.stringify([recorded, spans.getFinishedSpans().map(({ name, attributes }) => [name, attributes])]);
    expect([token, CLIENT_SECRET].filter((secret) => told.includes(secret))).toEqual([]);
  });

  it('counts the breakers that are not closed, and stops', async () => {
    const { metrics, stop, spans } = instrumented();
    const app = await createApp({ adapter });
    app.op.answer('introspect', { status: 429, body: '' }, { times: 1 });
    await app.call('/orders', app.op.issue());
    const open = { 'nestjs_oidc.server': app.op.issuer, 'nestjs_oidc.state': 'open' };
    expect((await metrics())['nestjs_oidc.breakers']).toEqual([{ ...open, value: 1 }]);
    app.clock.advance(60);
    await app.call('/orders', app.op.issue());
    expect((await metrics())['nestjs_oidc.breakers']).toEqual([{ ...open, value: 0 }]);
    const before = spans.getFinishedSpans().length;
    stop();
    await app.call('/orders', app.op.issue());
    expect(spans.getFinishedSpans()).toHaveLength(before);
  });
});

it('measures calls to hosts that a stranger names without the host, which stands in their spans', async () => {
  const { metrics, spans } = instrumented();
  const { oidc } = clientOf(await startProvider());
  const hosts = [await Api.start(), await Api.start()];
  for (const { url } of hosts) {
    await rejection(discoverIssuer(`${url}/alice`, { insecureHttp: true }));
    await oidc.distributedClaims({
      _claim_names: { credit_score: 'src1' },
      _claim_sources: { src1: { endpoint: `${url}/claims` } },
    });
  }
  const measured = (endpoint: string) => ({
    'http.request.method': 'GET',
    'http.response.status_code': 200,
    'nestjs_oidc.endpoint': endpoint,
    value: 2,
  });
  expect((await metrics())['http.client.request.duration']).toEqual([
    measured('webfinger'),
    measured('claims_endpoint'),
  ]);
  expect(spans.getFinishedSpans().map(({ attributes }) => attributes['server.port'])).toEqual(
    hosts.flatMap(({ url }) => [Number(new URL(url).port), Number(new URL(url).port)]),
  );
});
