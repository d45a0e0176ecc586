import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { request as open } from 'node:http';

import { afterEach, describe, expect, it } from '@jest/globals';
import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';

import type { OidcMessages } from '../../lib/index.js';
import { createApp, onBothAdapters, SESSION_SECRET, type Adapter } from '../support/app/apps.js';
import { expectNoSecrets } from '../support/app/outcomes.js';
import { Browser } from '../support/browser/browser.js';
import { clientOf, rejection } from '../support/client/client.js';
import { closeLater } from '../support/closing.js';
import { Api } from '../support/http/api.js';
import { messagesOn, onPublished } from '../support/messages.js';
import { freePort } from '../support/ports.js';
import { startProvider } from '../support/provider/provider.js';
import { instrumented } from '../support/telemetry.js';

const TOKEN = 'an-access-token-for-the-api';
const OF_BROWSER = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

afterEach(() => {
  context.disable();
  propagation.disable();
});

/** A client, and an API that it calls. */
async function setUp() {
  const api = await Api.start();
  const { oidc } = clientOf(await startProvider());
  return { api, oidc, url: `${api.url}/orders/1` };
}

type End = OidcMessages['nestjs-oidc:upstream:end'];

/** What the call of a test is published as. */
function callTo(url: string, method: string, end: Partial<End['end']>): object {
  const { hostname, port } = new URL(url);
  return {
    method,
    endpoint: 'protected_resource',
    url,
    address: hostname,
    port: Number(port),
    carrier: {},
    end: { status: undefined, code: undefined, duration: expect.any(Number), retries: 0, ...end },
  };
}

/** The SDK's context manager and its propagator for all. */
function tracing(): void {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
}

/** The part of a `traceparent` that names the caller's span. */
const parentIn = (header: string | string[] | undefined): string | undefined => String(header).split('-')[2];

describe('a call to an API', () => {
  it('is published with its status, without query and token', async () => {
    const starts = messagesOn('nestjs-oidc:upstream:start');
    const ends = messagesOn('nestjs-oidc:upstream:end');
    const { api, oidc, url } = await setUp();
    await oidc.fetch(`${url}?key=of-the-api#top`, {}, TOKEN);
    api.answer = (_request, response) => void response.writeHead(503).end();
    await oidc.fetch(url, { method: 'DELETE' }, TOKEN);
    expect(ends).toEqual([callTo(url, 'GET', { status: 200 }), callTo(url, 'DELETE', { status: 503 })]);
    expect(starts.map((start, index) => start === ends[index])).toEqual([true, true]);
    expect(JSON.stringify(ends)).not.toMatch(/of-the-api|an-access-token/);
  });

  it('is published with its error where no answer came', async () => {
    const ends = messagesOn('nestjs-oidc:upstream:end');
    const { api, oidc, url } = await setUp();
    const nobody = `http://127.0.0.1:${await freePort()}/`;
    await rejection(oidc.fetch(nobody, {}, TOKEN));
    api.answer = () => undefined;
    await rejection(oidc.fetch(url, { timeout: 50 }, TOKEN));
    const gone = new AbortController();
    api.answer = () => gone.abort();
    await rejection(oidc.fetch(url, { signal: gone.signal }, TOKEN));
    expect(ends).toEqual([
      callTo(nobody, 'GET', { code: 'UPSTREAM_UNAVAILABLE' }),
      callTo(url, 'GET', { code: 'UPSTREAM_TIMEOUT' }),
      callTo(url, 'GET', {}),
    ]);
  });

  it('carries the headers that a subscriber adds, in place of the caller’s', async () => {
    onPublished('nestjs-oidc:upstream:start', ({ carrier }) => Object.assign(carrier ?? {}, { 'X-Request': 'ours' }));
    const { api, oidc, url } = await setUp();
    await oidc.fetch(url, { headers: { 'x-request': 'theirs', 'x-other': 'theirs' } }, TOKEN);
    expect(api.last.headers).toMatchObject({
      'x-request': 'ours',
      'x-other': 'theirs',
      authorization: `Bearer ${TOKEN}`,
    });
  });

  it('is a span, the child of the active one, and a point of the histogram', async () => {
    const { spans, tracerProvider, metrics } = instrumented();
    tracing();
    const { api, oidc, url } = await setUp();
    const nobody = `http://127.0.0.1:${await freePort()}/`;
    const parent = tracerProvider.getTracer('test').startSpan('parent');
    const gone = new AbortController();
    await context.with(trace.setSpan(context.active(), parent), async () => {
      await oidc.fetch(`${url}?key=of-the-api`, {}, TOKEN);
      api.answer = (_request, response) => void response.writeHead(404).end();
      await oidc.fetch(url, { method: 'PROPFIND' }, TOKEN);
      await rejection(oidc.fetch(nobody, {}, TOKEN));
      api.answer = () => gone.abort();
      await rejection(oidc.fetch(url, { signal: gone.signal }, TOKEN));
    });
    const attributes = (to: string, more: object) => ({
      'http.request.method': 'GET',
      'server.address': '127.0.0.1',
      'server.port': Number(new URL(to).port),
      'nestjs_oidc.endpoint': 'protected_resource',
      ...more,
    });
    const finished = spans.getFinishedSpans();
    expect(finished.map((span) => [span.name, span.kind, span.status.code, span.attributes])).toEqual([
      ['GET protected_resource', 2, 0, attributes(url, { 'url.full': url, 'http.response.status_code': 200 })],
      [
        'HTTP protected_resource',
        2,
        2,
        attributes(url, {
          'url.full': url,
          'http.request.method': '_OTHER',
          'http.request.method_original': 'PROPFIND',
          'http.response.status_code': 404,
          'error.type': '404',
        }),
      ],
      [
        'GET protected_resource',
        2,
        2,
        attributes(nobody, { 'url.full': nobody, 'error.type': 'UPSTREAM_UNAVAILABLE' }),
      ],
      ['GET protected_resource', 2, 2, attributes(url, { 'url.full': url, 'error.type': 'aborted' })],
    ]);
    expect(new Set(finished.map(({ parentSpanContext }) => parentSpanContext?.spanId))).toEqual(
      new Set([parent.spanContext().spanId]),
    );
    expect((await metrics())['http.client.request.duration']).toEqual([
      attributes(url, { 'http.response.status_code': 200, value: 1 }),
      attributes(url, {
        'http.request.method': '_OTHER',
        'http.response.status_code': 404,
        'error.type': '404',
        value: 1,
      }),
      attributes(nobody, { 'error.type': 'UPSTREAM_UNAVAILABLE', value: 1 }),
      attributes(url, { 'error.type': 'aborted', value: 1 }),
    ]);
  });

  it('gets the context of its span, and the provider gets none', async () => {
    const { spans } = instrumented();
    tracing();
    const op = await startProvider();
    const api = await Api.start();
    const { oidc } = clientOf(op, { metadata: { scope: 'orders:read' } });
    await oidc.fetch(`${api.url}/orders`, { headers: { traceparent: OF_BROWSER, tracestate: 'a=b' } });
    const span = spans.getFinishedSpans().at(-1);
    expect(span?.name).toBe('GET protected_resource');
    const { traceId, spanId } = span?.spanContext() ?? {};
    const { traceparent, tracestate } = api.last.headers;
    expect([traceparent, tracestate]).toEqual([`00-${traceId}-${spanId}-01`, undefined]);
    expect(op.last('token').headers).not.toHaveProperty('traceparent');
  });

  it('gets no second context where undici is instrumented', async () => {
    instrumented();
    tracing();
    const watch = (message: unknown): void => {
      const { request } = message as { readonly request: { addHeader(name: string, value: string): void } };
      request.addHeader('traceparent', OF_BROWSER);
    };
    subscribe('undici:request:create', watch);
    closeLater({ close: async () => void unsubscribe('undici:request:create', watch) });
    const { api, oidc, url } = await setUp();
    await oidc.fetch(url, { headers: { traceparent: '00-ours', tracestate: 'a=b' } }, TOKEN);
    expect([api.last.headers['traceparent'], api.last.headers['tracestate']]).toEqual([OF_BROWSER, undefined]);
  });

  it('keeps the caller’s context where nothing is instrumented', async () => {
    const { api, oidc, url } = await setUp();
    await oidc.fetch(url, { headers: { traceparent: OF_BROWSER, tracestate: 'a=b' } }, TOKEN);
    expect([api.last.headers['traceparent'], api.last.headers['tracestate']]).toEqual([OF_BROWSER, 'a=b']);
  });
});

/** A signed-in browser of an application that forwards `/api` to an API. */
async function proxied(adapter: Adapter) {
  const api = await Api.start();
  const app = await createApp({
    adapter,
    controllers: [],
    options: {
      session: { secret: SESSION_SECRET, tokens: true },
      routes: { proxy: [{ path: '/api', to: `${api.url}/v1`, timeout: 1000 }] },
    },
  });
  const browser = new Browser(app);
  await browser.login({ path: '/auth/login' });
  const cookie = browser.jar.header(app.url, { isCrossSite: false, isSafe: true }) ?? '';
  return { api, app, own: { cookie, 'x-csrf': '1', 'sec-fetch-site': 'same-origin' } };
}

onBothAdapters((adapter) => {
  it('publish the call of a browser to an API, and replace its trace context', async () => {
    const { spans } = instrumented();
    tracing();
    const { api, app, own } = await proxied(adapter);
    const ends = messagesOn('nestjs-oidc:upstream:end');
    const answer = await app.get('/api/orders/1?key=of-the-api', {
      ...own,
      traceparent: OF_BROWSER,
      tracestate: 'a=b',
    });
    expect(ends).toEqual([
      { ...callTo(`${api.url}/v1/orders/1`, 'GET', { status: 200 }), carrier: { traceparent: expect.any(String) } },
    ]);
    const span = spans.getFinishedSpans().at(-1);
    expect([span?.name, span?.attributes['url.full']]).toEqual(['GET protected_resource', `${api.url}/v1/orders/1`]);
    const { traceparent, tracestate, authorization } = api.last.headers;
    expect([parentIn(traceparent), tracestate]).toEqual([span?.spanContext().spanId, undefined]);
    expectNoSecrets(app, answer, [String(authorization).slice('Bearer '.length), 'of-the-api']);
  });

  it('do not blame an API where the browser went away', async () => {
    const { api, app, own } = await proxied(adapter);
    const ended = new Promise<End>((resolve) => onPublished('nestjs-oidc:upstream:end', resolve));
    const request = open(`${app.url}/api/slow`, { headers: own });
    request.on('error', () => undefined);
    api.answer = () => request.destroy();
    request.end();
    expect(await ended).toEqual(callTo(`${api.url}/v1/slow`, 'GET', {}));
  });
});
