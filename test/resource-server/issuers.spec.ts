import { describe, expect, it } from '@jest/globals';
import { Controller, Get, UseGuards } from '@nestjs/common';

import {
  AccessToken,
  Introspection,
  MemoryStore,
  OidcClient,
  OidcGuard,
  type TrustedIssuerOptions,
  type VerifiedAccessToken,
} from '../../lib/index.js';
import type { ResolveIssuer } from '../../lib/resource-server/resource-server.options.js';
import { TrustedIssuer } from '../../lib/resource-server/trusted-issuer.js';
import { AccessTokenReader } from '../../lib/tokens/access-token-reader.js';
import { ACCESS_TOKEN_PROFILES } from '../../lib/tokens/access-token-profiles.js';
import { TrustedIssuers } from '../../lib/resource-server/trusted-issuers.js';
import { createApp, onBothAdapters } from '../support/app/apps.js';
import { expectBadToken, expectDependency } from '../support/app/outcomes.js';
import { clientOf, rejection } from '../support/client/client.js';
import { TestClock } from '../support/clock.js';
import type { HostileProvider } from '../support/provider/hostile-provider.js';
import { lateAnswer } from '../support/provider/late-answer.js';
import { startProvider } from '../support/provider/provider.js';
import { jwtAccessToken } from '../support/tokens/access-token.js';

@Controller()
@UseGuards(OidcGuard)
class WhoController {
  @Get('who')
  who(@AccessToken() { iss, sub }: VerifiedAccessToken) {
    return [iss, sub];
  }

  @Get('anew')
  @Introspection({ maxAge: 0 })
  anew() {
    return 'ok';
  }
}

const SECRET_THERE = 'of-the-second-provider-and-32-bytes-long';

onBothAdapters((adapter) => {
  const boot = async (issuersOf: (second: HostileProvider) => unknown, more: object = {}, store?: MemoryStore) => {
    const clock = new TestClock();
    const op = await startProvider({ clock });
    const second = await startProvider({ clock });
    second.rotate();
    const app = await createApp({
      adapter,
      op,
      controllers: [WhoController],
      options: {
        resourceServer: {
          audience: 'https://api.test',
          validation: 'auto',
          issuers: issuersOf(second) as TrustedIssuerOptions[],
          ...more,
        },
        store,
      },
    });
    return { app, op, second, clock };
  };

  it('TEN-09 TEN-14 each issuer’s tokens are verified by its own keys, and a user is issuer and subject', async () => {
    const { app, op, second } = await boot(({ issuer }) => [{ issuer }]);
    expect((await app.call('/who', jwtAccessToken(op))).json()).toEqual([op.issuer, 'alice']);
    expect((await app.call('/who', jwtAccessToken(second))).json()).toEqual([second.issuer, 'alice']);
    expect((await app.call('/who', op.issue())).json()).toEqual([op.issuer, 'alice']);
  });

  it('RS-25 what one issuer signed in the name of another is refused', async () => {
    const { app, op, second } = await boot(({ issuer }) => [{ issuer }]);
    expectBadToken(app, await app.call('/who', jwtAccessToken(second, { claims: { iss: op.issuer } })));
    expectBadToken(app, await app.call('/who', jwtAccessToken(op, { claims: { iss: second.issuer } })));
  });

  it('TEN-02 TEN-03 TEN-13 an issuer that nobody trusts costs no call, whatever it looks like', async () => {
    const { app, op, second } = await boot(({ issuer }) => [{ issuer }]);
    const names = ['/../../x', '?', '#', '/%2e%2e', '/', ' ', '/{tenantid}'].map((end) => second.issuer + end);
    for (const iss of [...names, second.issuer.toUpperCase(), 'https://evil.test']) {
      expectBadToken(app, await app.call('/who', jwtAccessToken(second, { claims: { iss } })), 'TOKEN_ISSUER');
    }
    expect([op.count(), second.count()]).toEqual([0, 0]);
  });

  it('a JWT of an issuer at which we are registered is asked about there', async () => {
    const { app, op, second } = await boot(
      ({ issuer }) => [{ issuer, client: { client_id: 'rp2', client_secret: SECRET_THERE } }],
      { validation: 'introspection' },
    );
    second.register({ client_id: 'rp2', client_secret: SECRET_THERE });
    expectBadToken(app, await app.call('/who', jwtAccessToken(second)), 'TOKEN_INACTIVE');
    expect([op.count('introspect'), second.count('introspect')]).toEqual([0, 1]);
  });

  it('where we are not registered only signatures count', async () => {
    const { app, second } = await boot(({ issuer }) => [{ issuer }], { validation: 'introspection' });
    expect((await app.call('/who', jwtAccessToken(second))).status).toBe(200);
    expectBadToken(app, await app.call('/who', jwtAccessToken(second, { header: { typ: 'JWT' } })), 'TOKEN_TYPE');
    expect(second.count('introspect')).toBe(0);
  });

  it('auto: a JWT that only lacks a claim is asked about where we are registered, else refused', async () => {
    const { app, op, second } = await boot(({ issuer }) => [{ issuer }]);
    const lacking = { claims: { client_id: undefined } };
    op.introspectionResponse({ body: () => ({ active: true, sub: 'alice', aud: 'https://api.test' }) });
    expect((await app.call('/who', jwtAccessToken(op, lacking))).json()).toEqual([op.issuer, 'alice']);
    expectBadToken(app, await app.call('/who', jwtAccessToken(second, lacking)), 'TOKEN_INVALID');
    expect([op.count('introspect'), second.count('introspect')]).toEqual([1, 0]);
  });

  it('a route that wants to ask refuses tokens of whom we can not ask', async () => {
    const { app, op, second } = await boot(({ issuer }) => [{ issuer }]);
    expect((await app.call('/anew', op.issue())).status).toBe(200);
    expectBadToken(app, await app.call('/anew', jwtAccessToken(second)), 'TOKEN_ISSUER');
  });

  it('what is forgotten at a replica that never met the issuer is forgotten at those who did', async () => {
    const store = new MemoryStore();
    const resolver = (provider: HostileProvider) => (issuer: string) =>
      issuer === provider.issuer ? { issuer, client: { client_id: 'rp2', client_secret: SECRET_THERE } } : undefined;
    const more = { cache: { ttl: 600 }, validation: 'introspection' };
    const { app, op, second } = await boot(resolver, more, store);
    second.register({ client_id: 'rp2', client_secret: SECRET_THERE });
    const other = await createApp({
      adapter,
      op,
      controllers: [WhoController],
      options: { resourceServer: { audience: 'https://api.test', ...more, issuers: resolver(second) } as never, store },
    });
    const token = jwtAccessToken(second);
    const active = { active: true, aud: 'https://api.test', sub: 'alice' };
    second.answer('introspect', { headers: { 'content-type': 'application/json' }, body: JSON.stringify(active) });
    expect((await app.call('/who', token)).status).toBe(200);
    second.heal();
    await other.nest.get(OidcClient).forget(token);
    expectBadToken(app, await app.call('/who', token), 'TOKEN_INACTIVE');
    await other.nest.get(OidcClient).forget(jwtAccessToken(second, { claims: { iss: 'https://unknown.test' } }));
  });

  it('CLOCK-15 a verification that is on its way when keys are forgotten is worth nothing afterwards', async () => {
    const app = await createApp({
      adapter,
      controllers: [WhoController],
      options: { resourceServer: { audience: 'https://api.test', validation: 'jwt', cache: { ttl: 3600 } } },
    });
    const token = jwtAccessToken(app.op);
    const held = lateAnswer(app.op, 'jwks');
    const early = app.call('/who', token);
    await held.isMade;
    app.op.rotate();
    app.nest.get(OidcClient).forgetKeys();
    held.send();
    await early;
    expectBadToken(app, await app.call('/who', token), 'TOKEN_INVALID');
  });

  it('a server that is down takes no other with it', async () => {
    const { app, op, second } = await boot(({ issuer }) => [{ issuer }]);
    second.answer('jwks', { status: 503 });
    expectDependency(app, await app.call('/who', jwtAccessToken(second)));
    expect((await app.call('/who', jwtAccessToken(op))).status).toBe(200);
  });

  it('a resolver is asked once for all at the same time, and again after five minutes', async () => {
    const asked: string[] = [];
    let isTrusted = true;
    const { app, second, clock } = await boot((provider) => async (issuer: string) => {
      asked.push(issuer);
      return isTrusted && issuer === provider.issuer ? { issuer } : undefined;
    });
    const tokens = Array.from({ length: 10 }, () => jwtAccessToken(second));
    const answers = await Promise.all(tokens.map((token) => app.call('/who', token)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(asked).toEqual([second.issuer]);
    isTrusted = false;
    clock.advance(299);
    expect((await app.call('/who', tokens[0]!)).status).toBe(200);
    clock.advance(1);
    expectBadToken(app, await app.call('/who', tokens[0]!), 'TOKEN_ISSUER');
    expect(asked).toEqual([second.issuer, second.issuer]);
  });

  it('TEN-03 a resolver is not asked again at once about a name that it did not trust', async () => {
    const asked: string[] = [];
    const { app, second, clock } = await boot(() => (issuer: string) => {
      asked.push(issuer);
      return undefined;
    });
    for (const after of [0, 4, 1]) {
      clock.advance(after);
      expectBadToken(app, await app.call('/who', jwtAccessToken(second)), 'TOKEN_ISSUER');
    }
    expect(asked).toEqual([second.issuer, second.issuer]);
  });

  it('a resolver that trusts under another name lets nobody in', async () => {
    const { app, second } = await boot(() => (issuer: string) => ({ issuer: `${issuer}/` }));
    expectBadToken(app, await app.call('/who', jwtAccessToken(second)), 'TOKEN_ISSUER');
  });

  it.each([[undefined], [null], [false]])('a resolver that returns %p does not trust', async (answer) => {
    const { app, second } = await boot(() => () => answer);
    expectBadToken(app, await app.call('/who', jwtAccessToken(second)), 'TOKEN_ISSUER');
    expect(second.count()).toBe(0);
  });

  const away = () => Object.assign(new Error('no connection to db.internal:5432'), { code: 'ECONNREFUSED' });

  it.each<[string, ResolveIssuer]>([
    [
      'throws',
      () => {
        throw away();
      },
    ],
    ['rejects', () => Promise.reject(away())],
  ])('a resolver that %s is an outage: 503, and the reason is in the log only', async (_how, resolve) => {
    const { app, op, second } = await boot(() => resolve);
    const response = await app.call('/who', jwtAccessToken(second));
    expectDependency(app, response, 'RESOLVER_FAILED', 5);
    expect(response.body).not.toContain('db.internal');
    const lines = app.logs.filter(({ level }) => level === 'error').map(({ text }) => text);
    expect(lines).toContainEqual(
      expect.stringContaining('reason="ECONNREFUSED" message="no connection to db.internal:5432"'),
    );
    expect((await app.call('/who', jwtAccessToken(op))).status).toBe(200);
  });

  it('a resolver that fails at names which a stranger makes up fills no log', async () => {
    const resolve = (issuer: string): never => {
      throw Object.assign(new Error(`there is no tenant ${issuer}`), { name: 'NotFound' });
    };
    const { app, op } = await boot(() => resolve);
    for (let index = 0; index < 20; index += 1) {
      await app.call('/who', jwtAccessToken(op, { claims: { iss: `https://t${index}.test` } }));
    }
    const lines = app.logs.filter(({ level }) => level === 'error').map(({ text }) => text);
    expect(lines).toEqual([expect.stringContaining('reason="NotFound" message="there is no tenant https://t0.test"')]);
  });

  it('RFC 7662 2.1 at another issuer too, introspection needs a client that authenticates', async () => {
    const named = ({ issuer }: HostileProvider) => ({ issuer, client: { client_id: 'api' } });
    const problem = 'resourceServer.issuers: a client has nothing to authenticate with';
    await expect(boot((second) => [named(second)])).rejects.toThrow(problem);
    const { app, second } = await boot((provider) => () => named(provider));
    expectDependency(app, await app.call('/who', jwtAccessToken(second)), 'INVALID_CONFIG');
    expect(second.count('introspect')).toBe(0);
  });

  it('a client that does not authenticate is no obstacle where nobody is asked', async () => {
    const { app, second } = await boot(({ issuer }) => [{ issuer, client: { client_id: 'api' } }], {
      validation: 'jwt',
    });
    expect((await app.call('/who', jwtAccessToken(second))).status).toBe(200);
    expectBadToken(app, await app.call('/anew', jwtAccessToken(second)), 'TOKEN_ISSUER');
    expect(second.count('introspect')).toBe(0);
  });

  it('a resolver that fails is asked again at once, and trusted when it is back', async () => {
    let isDown = true;
    const { app, second } = await boot(() => async (issuer: string) => {
      if (isDown) {
        throw away();
      }
      return { issuer };
    });
    expectDependency(app, await app.call('/who', jwtAccessToken(second)), 'RESOLVER_FAILED');
    isDown = false;
    expect((await app.call('/who', jwtAccessToken(second))).status).toBe(200);
  });

  it.each<[string, (issuer: string) => unknown]>([
    ['true', () => true],
    ['the name alone', (issuer) => issuer],
    ['no issuer', () => ({})],
    ['a client that is none', (issuer) => ({ issuer, client: 7 })],
    ['a client without an identifier', (issuer) => ({ issuer, client: {} })],
    ['null for a client', (issuer) => ({ issuer, client: null })],
    ['null for a server', (issuer) => ({ issuer, server: null })],
  ])('a resolver that returns %s is a misconfiguration: 503', async (_what, resolve) => {
    const { app, second } = await boot(() => resolve);
    expectDependency(app, await app.call('/who', jwtAccessToken(second)), 'INVALID_CONFIG');
    expect(second.count()).toBe(0);
  });

  it('a JWT whose header is written with blanks goes to its own issuer, and to nobody else', async () => {
    const { app, op, second } = await boot(({ issuer }) => [{ issuer }], { validation: 'introspection' });
    const [header = '', payload, signature] = jwtAccessToken(second).split('.');
    for (const blank of [' ', '\n', '\t ']) {
      const spaced = Buffer.from(blank + Buffer.from(header, 'base64url').toString()).toString('base64url');
      expectBadToken(app, await app.call('/who', `${spaced}.${payload}.${signature}`), 'TOKEN_INVALID');
    }
    expect(op.count('introspect')).toBe(0);
  });
});

describe('TEN-03 of the issuers that a resolver is asked about', () => {
  const setUp = async (resolve: ResolveIssuer) => {
    const op = await startProvider();
    const { server } = clientOf(op);
    const own = new TrustedIssuer(server, server, {
      reader: new AccessTokenReader(ACCESS_TOKEN_PROFILES.rfc9068, undefined),
      algorithms: undefined,
      cache: undefined,
      store: undefined,
      operator: { report: () => undefined },
    });
    const [asked, created]: [string[], string[]] = [[], []];
    const issuers = new TrustedIssuers(
      own,
      (issuer) => {
        asked.push(issuer);
        return resolve(issuer);
      },
      ({ issuer }) => {
        created.push(issuer);
        return own;
      },
      op.clock.now,
    );
    return { issuers, asked, created };
  };
  const named = (index: number) => `https://op.test/realms/${index}`;

  it('those that it does not trust are not created, and the last thousand names are remembered', async () => {
    const { issuers, asked, created } = await setUp(() => undefined);
    const refused = async (index: number) => Object(await rejection((async () => issuers.get(named(index)))())).code;
    for (let index = 0; index < 100_000; index += 1) {
      if ((await refused(index)) !== 'TOKEN_ISSUER') {
        throw new Error(`${named(index)} was not refused`);
      }
    }
    expect([created, asked.length]).toEqual([[], 100_000]);
    asked.length = 0;
    expect([await refused(99_000), await refused(98_999)]).toEqual(['TOKEN_ISSUER', 'TOKEN_ISSUER']);
    expect(asked).toEqual(['https://op.test/realms/98999']);
  });

  it('a hundred are kept; the one unused longest is asked about again', async () => {
    const { issuers, asked, created } = await setUp((issuer) => ({ issuer }));
    for (let index = 1; index <= 150; index += 1) {
      await issuers.get(named(index));
    }
    asked.length = 0;
    await issuers.get(named(150));
    await issuers.get(named(51));
    expect(asked).toEqual([]);
    await issuers.get(named(1));
    expect(asked).toEqual(['https://op.test/realms/1']);
    expect(created).toHaveLength(151);
  });
});
