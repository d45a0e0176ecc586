import type { ServerResponse } from 'node:http';

import { expect, it } from '@jest/globals';
import { Controller, Get, Header, UseGuards } from '@nestjs/common';

import { OidcGuard, Scopes } from '../../lib/index.js';
import { CONTROLLERS } from '../support/app/app-controllers.js';
import { createApp, onBothAdapters } from '../support/app/apps.js';
import {
  expectBadRequest,
  expectBadToken,
  expectInsufficientScope,
  expectNoAuth,
  expectNoSecrets,
} from '../support/app/outcomes.js';
import { T } from '../support/clock.js';
import { rawBytes, rawRequest } from '../support/http/raw-http.js';
import { expectWithin } from '../support/within.js';

@Controller('cached')
@UseGuards(OidcGuard)
class CachedController {
  @Get()
  @Header('Cache-Control', 'public, max-age=60')
  list() {
    return {};
  }
}

onBothAdapters((adapter) => {
  const boot = () => createApp({ adapter });

  it('RS-01 asks for credentials where there are none', async () => {
    const app = await boot();
    const response = await app.get('/orders');
    expectNoAuth(app, response);
    expect(response.header('www-authenticate')).toBe('Bearer realm="https://api.test"');
    expect(app.op.count()).toBe(0);
  });

  it.each<[string, string]>([
    ['RS-02 only a scheme', 'Authorization: Bearer'],
    ['RS-02 a scheme and a space', 'Authorization: Bearer '],
    ['RS-05 a tab', 'Authorization: Bearer\tTOKEN'],
    ['no space', 'Authorization: Bearer/TOKEN'],
    ['RS-05 a space and a tab', 'Authorization: Bearer \tTOKEN'],
    ['RS-06 something behind it', 'Authorization: Bearer TOKEN extra'],
    ['RS-06 another one behind it', 'Authorization: Bearer TOKEN,Bearer TOKEN'],
    ['RS-06 a parameter behind it', 'Authorization: Bearer TOKEN;x'],
    ['RS-08 an equals sign within', 'Authorization: Bearer a=b'],
    ['only equals signs', 'Authorization: Bearer =='],
    ['quotes', 'Authorization: Bearer "TOKEN"'],
    ['a letter that is not ASCII', 'Authorization: Bearer TOK\u00cbN'],
    ['a percent sign', 'Authorization: Bearer a%20b'],
    ['INTRO-22 an ampersand', 'Authorization: Bearer a&active=true'],
  ])('%s is 400, and nobody is asked', async (_what, line) => {
    const app = await boot();
    const token = app.op.issue();
    expectBadRequest(app, await rawRequest(app.address, 'GET /orders', [line.replaceAll('TOKEN', token)]));
    expect(app.op.count()).toBe(0);
  });

  it.each<[string, readonly string[]]>([
    ['the same twice', ['Authorization: Bearer TOKEN', 'Authorization: Bearer TOKEN']],
    ['an empty one first', ['Authorization:', 'Authorization: Bearer TOKEN']],
    ['another scheme first', ['Authorization: Basic eDp5', 'Authorization: Bearer TOKEN']],
    ['another case', ['authorization: Bearer TOKEN', 'AUTHORIZATION: Bearer TOKEN']],
  ])('two Authorization lines are 400: %s', async (_what, lines) => {
    const app = await boot();
    const token = app.op.issue();
    const sent = lines.map((line) => line.replaceAll('TOKEN', token));
    expectBadRequest(app, await rawRequest(app.address, 'GET /orders', sent));
    expect(app.op.count()).toBe(0);
  });

  it('RS-13 a token in the header and in the query is 400', async () => {
    const app = await boot();
    const token = app.op.issue();
    expectBadRequest(app, await app.call(`/orders?access_token=${token}`, token));
    expectBadRequest(app, await app.call('/orders?a=b&access%5Ftoken=x', token));
    expect(app.op.count()).toBe(0);
  });

  it.each<[string, string[]]>([
    ['RS-09 Basic', ['Authorization: Basic eDp5']],
    ['RS-09 Negotiate', ['Authorization: Negotiate abc']],
    ['RS-09 BearerX', ['Authorization: BearerX TOKEN']],
    ['RS-09 xBearer', ['Authorization: xBearer TOKEN']],
    ['DPoP, which is not enabled', ['Authorization: DPoP TOKEN']],
    ['nothing at all', ['Authorization:']],
    ['a comma first', ['Authorization: , Bearer TOKEN']],
    ['RS-17 X-Access-Token', ['X-Access-Token: TOKEN']],
    ['RS-17 Proxy-Authorization', ['Proxy-Authorization: Bearer TOKEN']],
    ['RS-18 a header with an underscore', ['Authorization_: Bearer TOKEN', 'X_Forwarded_User: admin']],
    ['a cookie', ['Cookie: access_token=TOKEN']],
  ])('%s is no credentials', async (_what, lines) => {
    const app = await boot();
    const token = app.op.issue();
    const sent = lines.map((line) => line.replaceAll('TOKEN', token));
    expectNoAuth(app, await rawRequest(app.address, 'GET /orders', sent));
    expect(app.op.count()).toBe(0);
  });

  it('R20 a token in the query alone is no credentials', async () => {
    const app = await boot();
    expectNoAuth(app, await app.get(`/orders?access_token=${app.op.issue()}`));
  });

  it.each(['bearer', 'BEARER', 'bEaReR'])('RS-03 takes the scheme %s', async (scheme) => {
    const app = await boot();
    const response = await rawRequest(app.address, 'GET /orders', [`Authorization: ${scheme}   ${app.op.issue()}`]);
    expect(response.status).toBe(200);
  });

  it('RS-20 takes a token of 16,384 characters, and says of a longer one in the log how long it is', async () => {
    const app = await createApp({
      adapter,
      configure: (nest) => {
        // Node's own limit for all headers is as much.
        Object.assign(nest.getHttpServer(), { maxHeaderSize: 65_536 });
      },
    });
    expectBadToken(app, await app.call('/orders', 'a'.repeat(16_384)), 'TOKEN_INACTIVE');
    expectBadRequest(app, await app.call('/orders', 'a'.repeat(16_385)));
    expect(app.op.count('introspect')).toBe(1);
    expect(app.logs.map(({ text }) => text)).toContainEqual(
      expect.stringContaining('The access token is longer than is read. length=16385 wanted="at most 16384"'),
    );
  });

  it('takes a token that fits beside the other headers of a Node as it comes', async () => {
    const app = await boot();
    expectBadToken(app, await app.call('/orders', 'a'.repeat(16_000)), 'TOKEN_INACTIVE');
  });

  it('takes a token that a middleware put there', async () => {
    const app = await createApp({
      adapter,
      configure: (nest) => {
        nest.use((request: { headers: Record<string, string> }, _response: unknown, next: () => void) => {
          request.headers['authorization'] ??= String(request.headers['x-middleware']);
          next();
        });
      },
    });
    expect((await app.get('/orders', { 'x-middleware': `Bearer ${app.op.issue()}` })).status).toBe(200);
  });

  it.each<[string, string, number]>([
    ['a folded line', 'Authorization: Bearer\r\n TOKEN', 400],
    ['NUL', 'Authorization: Bearer \0TOKEN', 400],
    ['a bare CR', 'Authorization: Bearer \rTOKEN', 400],
    ['20 KB', `Authorization: Bearer ${'a'.repeat(20_000)}`, 431],
  ])('RS-19 RS-20 Node itself refuses %s', async (_what, line, status) => {
    const app = await boot();
    const head = `GET /orders HTTP/1.1\r\nHost: x\r\n${line}\r\nConnection: close\r\n\r\n`;
    expect((await rawBytes(app.address, head)).status).toBe(status);
    expect(app.handled).toEqual([]);
  });

  it('RS-26 an expired token without the scope is expired', async () => {
    const app = await boot();
    const token = app.op.issue({ exp: T - 100, active: true, scope: 'orders:write' });
    expectBadToken(app, await app.call('/orders', token), 'TOKEN_EXPIRED');
  });

  it('RS-28 RS-30 RS-34 no refusal is Nest’s own, cached, or says more than it must', async () => {
    const app = await boot();
    const token = app.op.issue({ scope: 'orders:write' });
    expectInsufficientScope(app, await app.call('/orders', token), 'orders:read');
    const response = await app.call('/orders', 'nobody-knows-it');
    expectBadToken(app, response);
    expect(response.json()).toEqual({
      error: 'invalid_token',
      error_description: 'The access token is not valid here.',
    });
    expectNoSecrets(app, response, [token, 'nobody-knows-it']);
  });

  it('INJ-19 unknown, expired and revoked tokens look alike', async () => {
    const app = await boot();
    const [expired, revoked] = [app.op.issue({ exp: T - 100, active: true }), app.op.issue()];
    app.op.expire(revoked);
    const answers = await Promise.all(['unknown', expired, revoked].map((token) => app.call('/orders', token)));
    const seen = answers.map(({ status, body, headers }) => [status, body, headers['www-authenticate']]);
    expect(seen[1]).toEqual(seen[0]);
    expect(seen[2]).toEqual(seen[0]);
  });

  it('RS-29 HEAD is answered as GET, and a preflight before the guard', async () => {
    const app = await createApp({ adapter, configure: (nest) => nest.enableCors() });
    expect((await app.call('/orders', 'bad', { method: 'HEAD' })).status).toBe(401);
    expect((await app.call('/orders', app.op.issue(), { method: 'HEAD' })).status).toBe(200);
    const headers = { origin: 'https://spa.test', 'access-control-request-method': 'GET' };
    const preflight = await app.request('/orders', { method: 'OPTIONS', headers });
    expect([preflight.status, preflight.header('access-control-allow-origin')]).toEqual([204, '*']);
  });

  it('RS-30 a good answer is private, unless its handler says otherwise', async () => {
    const app = await createApp({ adapter, controllers: [...CONTROLLERS, CachedController] });
    const token = app.op.issue();
    expect((await app.call('/orders', token)).header('cache-control')).toBe('private');
    expect((await app.call('/cached', token)).header('cache-control')).toBe('public, max-age=60');
  });

  it('RS-30 what a middleware says of caches stays on a good answer, and on no refusal', async () => {
    const app = await createApp({
      adapter,
      configure: (nest) => {
        nest.use((_request: unknown, response: ServerResponse, next: () => void) => {
          response.setHeader('Cache-Control', 'no-store, max-age=0');
          next();
        });
      },
    });
    expect((await app.call('/orders', app.op.issue())).header('cache-control')).toBe('no-store, max-age=0');
    expectBadToken(app, await app.call('/orders', 'unknown'), 'TOKEN_INACTIVE');
  });

  it('RS-35 a public route looks at no token', async () => {
    const app = await boot();
    for (const headers of [{}, { authorization: 'Bearer bad' }, { authorization: 'Bearer a b c' }]) {
      const response = await app.get('/public', headers);
      expect([response.status, response.json()]).toEqual([200, { user: null }]);
    }
    expect(app.op.count()).toBe(0);
  });

  it('INJ-16 shows no token where the user is written down', async () => {
    const app = await boot();
    const token = app.op.issue();
    const response = await app.call('/any', token);
    expect(response.status).toBe(200);
    expectNoSecrets(app, response, [token]);
  });

  it('INJ-12 reads 15 KB of hostile header in no time', async () => {
    const app = await boot();
    const texts: readonly (readonly [string, number])[] = [
      ['a='.repeat(7000), 400],
      [`${' '.repeat(14_000)}x`, 401],
      ['a'.repeat(15_000), 401],
      ['!#$%&'.repeat(2800), 400],
    ];
    await expectWithin(1000, async () => {
      for (const [text, expected] of texts) {
        const { status } = await rawRequest(app.address, 'GET /orders', [`Authorization: Bearer ${text}`]);
        expect(status).toBe(expected);
      }
    });
  });
});

it('RS-32 a scope that could not stand in a challenge stops the boot', () => {
  for (const scope of ['a"b', 'a\nb', 'a b', 'a\\b', '', 'é']) {
    expect(() => Scopes(scope)).toThrow(expect.objectContaining({ name: 'ConfigError', member: '@Scopes' }));
  }
});
