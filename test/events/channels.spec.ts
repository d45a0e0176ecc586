import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { describe, expect, it } from '@jest/globals';
import { Controller, Get, UseGuards } from '@nestjs/common';

import { Introspection, OidcClient, OidcGuard, OptionalAuth, Public, Scopes } from '../../lib/index.js';
import { TransportError } from '../../lib/errors/errors.js';
import { CircuitBreaker } from '../../lib/http/circuit-breaker.js';
import { createApp, onBothAdapters, type TestApp } from '../support/app/apps.js';
import { CHANNELS, messagesOn, onPublished, publishedOn } from '../support/messages.js';
import { lateAnswer } from '../support/provider/late-answer.js';

@Controller()
@UseGuards(OidcGuard)
class Orders {
  @Get('list')
  @Scopes('orders:read')
  list() {
    return {};
  }

  @Get('maybe')
  @OptionalAuth()
  maybe() {
    return {};
  }

  @Get('open')
  @Public()
  open() {
    return {};
  }

  @Get('stale')
  @Introspection({ staleIfError: 60 })
  stale() {
    return {};
  }
}

const controllers = [Orders];
const CACHED = { resourceServer: { audience: 'https://api.test', cache: {} } };
const EMPTY = { sub: undefined, client_id: undefined, sid_hash: undefined };

const portOf = (app: TestApp): number => Number(new URL(app.op.issuer).port);

onBothAdapters((adapter) => {
  it('publish each decision of a guard, and none where a route is open', async () => {
    const decisions = messagesOn('nestjs-oidc:decision');
    const app = await createApp({ adapter, controllers });
    await app.call('/list', app.op.issue({ scope: 'orders:read' }));
    await app.call('/list', app.op.issue({ scope: 'other' }));
    await app.get('/list');
    await app.get('/maybe');
    await app.get('/open');
    app.op.answer('introspect', { status: 503, body: '' });
    await app.call('/list', app.op.issue());
    const own = { guard: 'OidcGuard', call: 'http', route: 'Orders.list', client_id: 'rp1' };
    expect(decisions).toEqual([
      { ...own, outcome: 'admitted', code: undefined },
      { ...own, outcome: 'refused', code: 'INSUFFICIENT_SCOPE' },
      { ...own, outcome: 'refused', code: 'CREDENTIALS_MISSING' },
      { ...own, route: 'Orders.maybe', outcome: 'anonymous', code: undefined },
      { ...own, outcome: 'failed', code: 'UPSTREAM_UNAVAILABLE' },
    ]);
  });

  it('publish the start and the end of each call to the provider, with one object', async () => {
    const starts = messagesOn('nestjs-oidc:upstream:start');
    const ends = messagesOn('nestjs-oidc:upstream:end');
    const app = await createApp({ adapter, controllers });
    await app.call('/list', app.op.issue({ scope: 'orders:read' }));
    app.op.answer('introspect', 'reset', { times: 1 });
    await app.call('/list', app.op.issue({ scope: 'orders:read' }));
    app.op.answer('introspect', { status: 401, body: { error: 'invalid_client' } }, { times: 1 });
    await app.call('/list', app.op.issue());
    app.op.answer('introspect', 'reset');
    await app.call('/list', app.op.issue());
    const call = (method: string, endpoint: string, path: string, end: object) => ({
      method,
      endpoint,
      url: `${app.op.issuer}${path}`,
      address: '127.0.0.1',
      port: portOf(app),
      end: { duration: expect.any(Number), code: undefined, status: undefined, retries: 0, ...end },
    });
    const introspection = (end: object) => call('POST', 'introspection_endpoint', '/introspect', end);
    expect(ends).toEqual([
      call('GET', 'discovery', '/.well-known/openid-configuration', { status: 200 }),
      introspection({ status: 200 }),
      introspection({ status: 200, retries: 1 }),
      introspection({ status: 401 }),
      introspection({ code: 'UPSTREAM_UNAVAILABLE', retries: 1 }),
    ]);
    expect(starts.map((start, index) => start === ends[index])).toEqual([true, true, true, true, true]);
    expect(ends.every(({ end: { duration } }) => duration > 0 && duration < 5)).toBe(true);
  });

  it('publish hits, misses and stale answers of the cache, and flights that are shared', async () => {
    const published = publishedOn(['nestjs-oidc:cache', 'nestjs-oidc:flight']);
    const app = await createApp({ adapter, controllers, options: CACHED });
    const token = app.op.issue({ scope: 'orders:read' });
    const late = lateAnswer(app.op, 'introspect');
    onPublished('nestjs-oidc:flight', late.send);
    await Promise.all([app.call('/list', token), app.call('/list', token)]);
    await app.call('/list', token);
    app.clock.advance(31);
    app.op.answer('introspect', { status: 503, body: '' });
    await app.call('/stale', token);
    const lookup = (result: string) => ({
      channel: 'nestjs-oidc:cache',
      message: { cache: 'introspection', issuer: app.op.issuer, result },
    });
    expect(published).toEqual([
      lookup('miss'),
      lookup('miss'),
      { channel: 'nestjs-oidc:flight', message: { flight: 'introspection', among: 'process' } },
      lookup('hit'),
      lookup('miss'),
      lookup('stale'),
    ]);
  });

  it('publish who was refused, with the subject where the token was verified', async () => {
    const audits = messagesOn('nestjs-oidc:audit');
    const app = await createApp({ adapter, controllers });
    await app.call('/list', app.op.issue({ scope: 'other', sub: 'alice', client_id: 'mobile' }));
    await app.call('/list', app.op.issue({ sub: 'alice', aud: 'https://other.test' }));
    const token = app.op.issue();
    await app.nest.get(OidcClient).forget(token);
    const own = { issuer: app.op.issuer, client_id: 'rp1' };
    expect(audits).toEqual([
      {
        ...own,
        event: 'refusal',
        outcome: 'failure',
        reason: 'INSUFFICIENT_SCOPE',
        actor: { ...EMPTY, sub: 'alice', client_id: 'mobile' },
      },
      { ...own, event: 'refusal', outcome: 'failure', reason: 'TOKEN_AUDIENCE', actor: EMPTY },
      { ...own, event: 'eviction', outcome: 'success', actor: EMPTY },
    ]);
  });

  it('publish every event of the operator', async () => {
    const events = messagesOn('nestjs-oidc:operator');
    const app = await createApp({ adapter });
    await app.get('/orders');
    expect(events).toEqual([
      { kind: 'insecure-cookies', hosts: [new URL(app.url).host] },
      {
        kind: 'client-started',
        name: undefined,
        issuer: app.op.issuer,
        client_id: 'rp1',
        registered: { token_endpoint_auth_method: 'client_secret_basic' },
      },
      {
        kind: 'revocation-bounds',
        bounds: ['OrdersController.list', 'OrdersController.create', 'AnyController.any'].map((route) => ({
          route,
          seconds: 0,
        })),
      },
      {
        kind: 'call-refused',
        guard: 'OidcGuard',
        call: 'http',
        error: expect.objectContaining({ code: 'CREDENTIALS_MISSING' }),
      },
    ]);
  });
});

describe('the circuit breaker', () => {
  it('publishes each change of its state', () => {
    const changes = messagesOn('nestjs-oidc:breaker');
    const time = { now: 0 };
    const breaker = new CircuitBreaker(() => time.now, 'https://op.test');
    const down = new TransportError('UPSTREAM_TIMEOUT', 'down');
    Array.from({ length: 11 }).forEach(() => breaker.report(down));
    time.now = 6000;
    breaker.admit();
    breaker.report(down);
    time.now = 12_000;
    breaker.admit();
    breaker.report(undefined);
    breaker.report(undefined);
    breaker.report(new TransportError('RATE_LIMITED', 'limited', { retryAfter: 1 }));
    time.now = 14_000;
    breaker.admit();
    const server = 'https://op.test';
    expect(changes).toEqual([
      { server, before: 'closed', state: 'open', code: 'UPSTREAM_TIMEOUT' },
      { server, before: 'open', state: 'half-open', code: undefined },
      { server, before: 'half-open', state: 'open', code: 'UPSTREAM_TIMEOUT' },
      { server, before: 'open', state: 'half-open', code: undefined },
      { server, before: 'half-open', state: 'closed', code: undefined },
      { server, before: 'closed', state: 'open', code: 'RATE_LIMITED' },
      { server, before: 'open', state: 'closed', code: undefined },
    ]);
  });
});

describe('the page of the channels', () => {
  const read = (file: string): string => readFileSync(resolve(import.meta.dirname, '../../lib/events', file), 'utf8');

  it('lists each channel, and so do the tests', () => {
    const names = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, name]) => name);
    const made = names(read('channels.ts'), /channelOf\('([\w:-]+)'\)/g);
    expect(made).toEqual([...CHANNELS]);
    expect(names(read('README.md'), /^\| `(nestjs-oidc:[\w:-]+)`/gm)).toEqual(made);
  });

  it('lists each member of each message', () => {
    const members = [
      ...read('channels.ts')
        .split('interface MessageChannel')[0]!
        .matchAll(/^ {2}readonly (\w+)\??:/gm),
    ].map(([, name]) => `\`${name}\``);
    const page = read('README.md');
    expect(members.length).toBeGreaterThan(25);
    expect(members.filter((member) => !page.includes(member))).toEqual([]);
  });
});
