import { setTimeout } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { request } from 'undici';

import { jws } from '../../../lib/testing/provider/keys.js';
import type { Browser, Page } from '../../support/browser/browser.js';
import { closeLater } from '../../support/closing.js';
import type { HostileProvider } from '../../support/provider/hostile-provider.js';
import { BuiltLibrary, type ApplicationProcess } from './application-process.js';
import { Deployment, ORIGIN } from './deployment.js';
import type { RedisServer } from './redis-server.js';

/** How often tokens expire while forty requests come; `REFRESHES` says another number. */
const TIMES = Number(process.env['REFRESHES'] ?? 30);

describe('three processes of a web application with one Redis, behind a round-robin', () => {
  let library: BuiltLibrary;
  let shared: Deployment;

  beforeAll(async () => {
    library = await BuiltLibrary.build();
    shared = closeLater(await Deployment.start(library), true);
  });

  afterAll(() => library.remove());

  it('a login starts at one and ends at another, and the session is known at the third', async () => {
    const { roundRobin } = shared;
    const before = roundRobin.answeredBy.length;
    for (let time = 0; time < 3; time += 1) {
      const browser = shared.newBrowser();
      expect([(await browser.login()).status, (await browser.get('/auth/me')).status]).toEqual([303, 200]);
    }
    expect(roundRobin.answeredBy.slice(before)).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2]);
    const browsers = Array.from({ length: 20 }, () => shared.newBrowser());
    expect(await statuses(browsers.map((browser) => browser.login()))).toEqual([303]);
    expect(await statuses(browsers.map((browser) => browser.get('/auth/me')))).toEqual([200]);
  });

  it('REFR-01 forty requests at once with an expired token are one refresh and no error, time after time', async () => {
    const { op } = shared;
    const browser = await shared.signedIn();
    const before = op.count('token');
    for (let time = 1; time <= TIMES; time += 1) {
      await shared.expireTokens();
      const tokens = await tokensOf(Array.from({ length: 40 }, () => browser.get('/reports')));
      expect([op.count('token') - before, tokens.map((token) => op.isKnown(token))]).toEqual([time, [true]]);
    }
  });

  it('a back-channel logout at one ends the session at all', async () => {
    const [first, second] = [await shared.signedIn('s-1'), await shared.signedIn('s-2')];
    const states = (browser: Browser) => Promise.all(shared.replicas.map((replica) => me(replica, browser)));
    expect(await states(first)).toEqual([200, 200, 200]);
    const { statusCode, body } = await request(`${shared.replicas[0]?.address}/auth/backchannel-logout`, {
      method: 'POST',
      headers: { host: 'app.test', 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ logout_token: logoutToken(shared.op, 's-1') }).toString(),
    });
    await body.dump();
    expect(statusCode).toBe(200);
    expect(await states(first)).toEqual([401, 401, 401]);
    expect(await states(second)).toEqual([200, 200, 200]);
  });

  it('REDIS-02 without Redis people are told to come back, and with it every session is there again', async () => {
    const { redis, replicas } = shared;
    const browsers = await Promise.all(Array.from({ length: 10 }, () => shared.signedIn()));
    await redis.kill();
    for (const browser of browsers) {
      const page = await browser.get('/auth/me');
      expect([page.status, page.header('retry-after'), page.setCookies]).toEqual([503, '5', []]);
      expect((await browser.get('/reports')).status).toBe(503);
    }
    expect((await shared.newBrowser().get('/auth/login')).status).toBe(503);
    await redis.resurrect();
    const [anybody = shared.newBrowser()] = browsers;
    for (const replica of replicas) {
      while ((await me(replica, anybody)) === 503) {
        await setTimeout(10);
      }
    }
    expect(await statuses(browsers.map((browser) => browser.get('/auth/me')))).toEqual([200]);
  });

  it('REFR-05 a process that dies while it refreshes takes nobody’s session along', async () => {
    const deployment = closeLater(await Deployment.start(library));
    const { op, redis, replicas, roundRobin } = deployment;
    const browser = await deployment.signedIn();
    await deployment.expireTokens();
    const before = op.count('token');
    op.answer('token', 'hang');
    const first = browser.get('/reports');
    while (op.count('token') === before) {
      await setTimeout(5);
    }
    // The browser came to the first two for its login.
    expect(roundRobin.answeredBy).toEqual([0, 1]);
    const others = Array.from({ length: 39 }, () => browser.get('/reports'));
    await replicas[2]?.kill();
    op.heal('token');
    await endLease(redis);
    const tokens = await tokensOf([first, ...others]);
    expect([op.count('token') - before, tokens.map((token) => op.isKnown(token))]).toEqual([2, [true]]);
    expect((await browser.get('/auth/me')).status).toBe(200);
  });
});

/** The statuses of some pages, each once. */
async function statuses(pages: readonly Promise<Page>[]): Promise<readonly number[]> {
  return [...new Set((await Promise.all(pages)).map(({ status }) => status))];
}

/** The tokens with which some pages would call an API, each once. */
async function tokensOf(pages: readonly Promise<Page>[]): Promise<readonly string[]> {
  expect(await statuses(pages)).toEqual([200]);
  return [...new Set((await Promise.all(pages)).map((page) => String(page.json()['token'])))];
}

/** What one process answers to a browser. */
async function me({ address }: ApplicationProcess, browser: Browser): Promise<number> {
  const cookie = browser.jar.header(ORIGIN, { isCrossSite: false, isSafe: true });
  const headers = { host: 'app.test', ...(cookie !== undefined && { cookie }) };
  const { statusCode, body } = await request(`${address}/auth/me`, { headers });
  await body.dump();
  return statusCode;
}

/** Ends a lease that nobody renews now: it lasts ten seconds at most, and no test waits for that. */
async function endLease({ port }: RedisServer): Promise<void> {
  const redis = new Redis(port, '127.0.0.1');
  const [lease = ''] = await redis.keys('nestjs-oidc:refreshing:*');
  const left = await redis.pttl(lease);
  await redis.pexpire(lease, 1);
  redis.disconnect();
  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThanOrEqual(10_000);
}

function logoutToken(op: HostileProvider, sid: string): string {
  const key = op.key('RS256');
  const iat = op.clock.seconds;
  const events = { 'http://schemas.openid.net/event/backchannel-logout': {} };
  const claims = { iss: op.issuer, aud: 'rp1', iat, exp: iat + 120, jti: sid, sid, events };
  return jws({ typ: 'logout+jwt', alg: 'RS256', kid: key.kid }, claims, key, 'RS256');
}
