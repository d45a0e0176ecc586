import { createHash } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';

import { derivedFrom } from '../../lib/authorization/transaction.js';
import { Clock } from '../../lib/clock/clock.js';
import { TransportError } from '../../lib/errors/errors.js';
import { answerWith, type Ending } from '../../lib/login/ending.js';
import { Login } from '../../lib/login/login.js';
import { loginOptionsSchema, type LoginOptions } from '../../lib/login/login.options.js';
import { OidcStrategy } from '../../lib/login/oidc.strategy.js';
import { Responses } from '../../lib/nest/responses.js';
import { Routes } from '../../lib/nest/routes.js';
import { Sealer } from '../../lib/storage/sealer.js';
import { TokenResponse } from '../../lib/tokens/token-response.js';
import { validate } from '../../lib/values/validate.js';

const T = 1_800_000_000_000;
Logger.overrideLogger(false);

interface Setup {
  readonly options?: LoginOptions;
  readonly metadata?: object;
  readonly name?: string;
  /** What comes of the exchange with the provider; undefined: it goes well. */
  readonly exchange?: () => void;
  readonly validate?: (claims: object) => unknown;
  readonly hasSession?: boolean;
}

/** A strategy over a client that never leaves the process. */
function application({ options = {}, metadata, name, exchange, validate: own, hasSession = false }: Setup = {}) {
  let logins = 0;
  const calls = { authorization: [] as object[], exchanges: 0 };
  const client = {
    name,
    issuer: 'https://op.test',
    metadata: { redirect_uris: ['https://app.test/auth/callback'], ...metadata },
    clock: new Clock(() => T, 0, 30),
    authorizationUrl: async (asked: { scope?: string; response_type?: string; response_mode?: string }) => {
      calls.authorization.push(asked);
      const code_verifier = createHash('sha256')
        .update(String((logins += 1)))
        .digest('base64url');
      const { state, nonce } = derivedFrom(code_verifier);
      const { scope = '', response_type = '', response_mode = '' } = asked;
      const [redirect_uri] = client.metadata.redirect_uris;
      const rest = { issuer: 'https://op.test', code_verifier, redirect_uri, started_at: T + logins };
      const transaction = { state, nonce, scope, response_type, response_mode, ...rest };
      return { url: `https://op.test/authorize?state=${state}`, transaction };
    },
    callback: async (parameters: ReadonlyMap<string, string>) => {
      calls.exchanges += 1;
      exchange?.();
      // Some take longer than others.
      for (let turns = calls.exchanges % 7; turns > 0; turns -= 1) {
        await new Promise(setImmediate);
      }
      const sub = parameters.get('code');
      const tokens = new TokenResponse({ access_token: `AT-${sub}`, token_type: 'Bearer', scope: 'openid' });
      return { tokens, idToken: { sub, claims: { sub, name: 'signed' } }, userinfo: { name: 'sent', email: 'e' } };
    },
  };
  const started: unknown[] = [];
  // As one that asks a store: by promises.
  const keeper = {
    find: async () => ({ setCookies: [], ...(hasSession && { session: {} }) }),
    start: async (_request: unknown, session: unknown) => {
      started.push(session);
      return ['session=1'];
    },
  } as never;
  const sessions = {
    silentLogins: { areOn: false, wasTried: () => false },
    areRead: false,
    cookie: {},
    store: undefined,
    keeper: () => keeper,
    alsoSet: () => {},
  };
  const sealer = new Sealer(['a'.repeat(32)]);
  const host = { httpAdapter: { setHeader: () => {}, appendHeader: () => {} } } as never;
  const settings = validate(loginOptionsSchema, options, 'login');
  const server = { needs: () => {} } as never;
  const parts = { client: client as never, server, operator: { report: () => {} }, settings, sessions, sealer };
  const login = new Login(parts, new Responses(host), new Routes(host));
  const strategy = new OidcStrategy();
  Object.assign(strategy, { login, ...(own && { validate: own }) });
  return { calls, started, login, strategy };
}

const get = (url: string, cookie = '', method = 'GET') => ({
  method,
  url,
  rawHeaders: [],
  headers: { cookie, 'content-type': 'application/x-www-form-urlencoded' },
});

const attempt = (strategy: OidcStrategy, request: object) => strategy.attempt(request, { startsSession: true });
const cookiesOf = ({ setCookies }: Ending) => setCookies;

function locationOf(ending: Ending): string {
  if (ending.kind === 'refusal' || ending.kind === 'error' || ending.kind === 'page') {
    return inspect(ending);
  }
  return ending.kind === 'user' ? ending.returnTo : ending.location;
}

const stateOf = (ending: Ending) => new URL(locationOf(ending)).searchParams.get('state') ?? '';

function codeOf(ending: Ending): unknown {
  return ending.kind === 'refusal' && [ending.refusal.status, ending.refusal.cause?.code];
}

/** Begins a login and comes back from it. */
async function logIn(strategy: OidcStrategy, code = 'alice', query = ''): Promise<Ending> {
  const start = await attempt(strategy, get(`/auth/login${query}`));
  const cookie = cookiesOf(start)
    .map((line) => line.split(';')[0])
    .join('; ');
  return attempt(strategy, get(`/auth/callback?code=${code}&state=${stateOf(start)}`, cookie));
}

describe('a login', () => {
  it('begins with a redirect to the provider and one transaction cookie', async () => {
    const { strategy, calls } = application({ options: { parameters: { audience: 'api' } } });
    const start = await attempt(strategy, get('/auth/login'));
    expect(locationOf(start)).toMatch(/^https:\/\/op\.test\/authorize\?state=[\w-]{43}$/);
    expect(cookiesOf(start)).toEqual([expect.stringMatching(/^__Host-oidc-login\.1800000000001\./)]);
    const redirect_uri = 'https://app.test/auth/callback';
    const parameters = { audience: 'api' };
    expect(calls.authorization).toEqual([
      { redirect_uri, scope: 'openid', parameters, response_type: 'code', response_mode: 'query' },
    ]);
  });

  it('is answered with its cookies, for nobody else, however it ends', async () => {
    const answerTo = async (ending: Ending) => {
      const headers: unknown[] = [];
      const record = (_response: unknown, ...header: readonly string[]) => headers.push(header);
      const responses = new Responses({ httpAdapter: { setHeader: record, appendHeader: record } } as never);
      try {
        return [headers, await answerWith(ending, {}, responses)];
      } catch (error) {
        return [headers, error];
      }
    };
    const own = [
      ['Cache-Control', 'no-store'],
      ['Referrer-Policy', 'no-referrer'],
      ['X-Content-Type-Options', 'nosniff'],
      ['Set-Cookie', 'a=1'],
    ];
    const begun = { setCookies: ['a=1'], kind: 'redirect', location: 'https://op.test/authorize' } as const;
    expect(await answerTo(begun)).toEqual([own, begun]);
    const bug = new Error('bug');
    expect(await answerTo({ setCookies: ['a=1'], kind: 'error', error: bug })).toEqual([own, bug]);
    const cause = new TransportError('TLS_ERROR', 'm');
    const headers = [['Retry-After', '5']] as const;
    const refusal = { status: 503, error: 'temporarily_unavailable', error_description: 'Later.', headers, cause };
    const [set, thrown] = await answerTo({ setCookies: ['a=1'], kind: 'refusal', refusal });
    expect(set).toEqual([...own, ['Retry-After', '5']]);
    expect(thrown).toMatchObject({ status: 503, error: 'temporarily_unavailable', cause });
  });

  it('TXN-25 REDIR-25 takes nothing but returnTo from the request', async () => {
    const { strategy, calls } = application({ options: { scope: 'openid profile' } });
    const query =
      'redirect_uri=https://evil.test&client_id=x&state=y&response_mode=fragment&scope=admin&returnTo=/x%26scope%3Dadmin';
    await attempt(strategy, get(`/auth/login?${query}`));
    const redirect_uri = 'https://app.test/auth/callback';
    const scope = 'openid profile';
    const requested = { response_type: 'code', response_mode: 'query' };
    expect(calls.authorization).toEqual([{ redirect_uri, scope, parameters: {}, ...requested }]);
  });

  it('ends at the return URL, with the session and without the transaction', async () => {
    const { strategy, started } = application();
    const end = await logIn(strategy, 'alice', '?returnTo=/orders%3Fa%3D1');
    expect(locationOf(end)).toBe('/orders?a=1');
    expect(cookiesOf(end)).toEqual([
      expect.stringMatching(/^__Host-oidc-login\.1800000000001\.[\w-]{16}=; Max-Age=0; /),
      'session=1',
    ]);
    expect(started).toEqual([
      {
        user: { sub: 'alice', claims: { sub: 'alice', name: 'signed', email: 'e' } },
        tokens: expect.any(TokenResponse),
        startedBy: { login: expect.stringMatching(/^[\w-]{16}$/), returnTo: '/orders?a=1' },
        identity: { sub: 'alice' },
      },
    ]);
  });

  it('REDIR-02 REDIR-18 REDIR-20 REDIR-26 ends at the default where the return URL is none', async () => {
    const { strategy } = application({ options: { defaultReturnTo: '/home' } });
    const queries = [
      '',
      '?returnTo=//evil.test',
      '?returnTo=https://evil.test',
      '?returnTo=/a&returnTo=//evil',
      '?returnTo[x]=/a',
      '?returnTo=/auth/login',
      '?returnTo=/auth/callback%3Ferror=x',
      '?returnTo=%',
      '?returnTo=http://[',
      `?returnTo=/${'a'.repeat(8192)}`,
    ];
    for (const query of queries) {
      expect([query, locationOf(await logIn(strategy, 'alice', query))]).toEqual([query, '/home']);
    }
  });

  it('keeps what validate returns, as JSON', async () => {
    const { strategy, started } = application({ validate: () => ({ id: 7, left: undefined, at: new Date(0) }) });
    await logIn(strategy);
    expect(started).toMatchObject([{ user: { id: 7, at: '1970-01-01T00:00:00.000Z' } }]);
  });

  it('is refused where validate returns nothing', async () => {
    for (const nothing of [undefined, null, false, '', 0]) {
      const { strategy, started } = application({ validate: () => nothing });
      const end = await logIn(strategy);
      expect(codeOf(end)).toEqual([403, 'USER_REFUSED']);
      expect(cookiesOf(end)).toEqual([expect.stringMatching(/^__Host-oidc-login.*Max-Age=0/)]);
      expect(started).toEqual([]);
    }
  });

  it('NEST-02 leaves what validate throws as it is, and starts no session', async () => {
    const circle: { self?: object } = {};
    circle.self = circle;
    const bug = new Error('bug');
    const failing = () => {
      throw bug;
    };
    for (const own of [failing, async () => failing(), () => circle, () => 1n, () => () => 1]) {
      const { strategy, started } = application({ validate: own });
      const end = await logIn(strategy);
      expect(end.kind === 'error' && end.error).toMatchObject({
        message: expect.stringMatching(/^bug$|circular|BigInt|JSON/),
      });
      expect(started).toEqual([]);
    }
  });

  it('uses its transaction up, also where the provider is the problem', async () => {
    const { strategy } = application({
      exchange: () => {
        throw new Error('bug');
      },
    });
    expect(cookiesOf(await logIn(strategy))).toEqual([expect.stringMatching(/^__Host-oidc-login.*Max-Age=0/)]);
  });

  it('NEST-05 200 of them at once don’t cross', async () => {
    const { strategy, started } = application();
    const ends = await Promise.all(
      Array.from({ length: 200 }, (_, index) => logIn(strategy, `user-${index}`, `?returnTo=/of/${index}`)),
    );
    expect(ends.map(locationOf)).toEqual(Array.from({ length: 200 }, (_, index) => `/of/${index}`));
    expect(new Set(started.map((session) => inspect(session, { depth: 3 }))).size).toBe(200);
  });
});

describe('a callback', () => {
  const { strategy, calls } = application();
  const back = async (url: string, cookie = '', method = 'GET') =>
    codeOf(await attempt(strategy, get(url, cookie, method)));

  it('AUTHZ-01 AUTHZ-30 without parameters begins no login', async () => {
    expect(await back('/auth/callback')).toEqual([400, 'MISSING_RESPONSE']);
    expect(await back('/auth/callback?')).toEqual([400, 'MISSING_RESPONSE']);
  });

  it('AUTHZ-02 AUTHZ-05 AUTHZ-16 needs a state', async () => {
    for (const query of ['code=abc', 'code=abc&state=', 'error=access_denied', 'x=1']) {
      expect(await back(`/auth/callback?${query}`)).toEqual([400, 'STATE_MISSING']);
    }
  });

  it('TXN-01 in a browser that has begun no login is refused', async () => {
    expect(await back('/auth/callback?code=abc&state=attacker')).toEqual([400, 'NO_TRANSACTION']);
  });

  it('AUTHZ-03 TXN-02 for another login is refused, and leaves the one under way alone', async () => {
    const start = await attempt(strategy, get('/auth/login'));
    const [cookie = ''] = (cookiesOf(start)[0] ?? '').split(';');
    const refused = await attempt(strategy, get('/auth/callback?code=abc&state=attacker', cookie));
    expect(codeOf(refused)).toEqual([400, 'STATE_MISMATCH']);
    expect(cookiesOf(refused)).toEqual([]);
    const end = await attempt(strategy, get(`/auth/callback?code=a&state=${stateOf(start)}`, cookie));
    expect(locationOf(end)).toBe('/');
  });

  it('AUTHZ-06 AUTHZ-08 AUTHZ-29 that can’t be read is refused, and uses nothing up', async () => {
    const start = await attempt(strategy, get('/auth/login'));
    const [cookie = ''] = (cookiesOf(start)[0] ?? '').split(';');
    const before = calls.exchanges;
    for (const query of ['code=a&code=b', 'code[]=a', 'state[$ne]=1', 'code=%00']) {
      const refused = await attempt(strategy, get(`/auth/callback?${query}&state=${stateOf(start)}`, cookie));
      expect(codeOf(refused)).toEqual([400, expect.stringMatching(/^(DUPLICATE|INVALID)_PARAMETER$/)]);
      expect(cookiesOf(refused)).toEqual([]);
    }
    expect(calls.exchanges).toBe(before);
  });

  it('TXN-03 that was used already sends a signed-in browser on', async () => {
    const signedIn = application({ hasSession: true, options: { defaultReturnTo: '/home' } });
    const end = await attempt(signedIn.strategy, get('/auth/callback?code=abc&state=used'));
    expect([locationOf(end), cookiesOf(end), signedIn.calls.exchanges]).toEqual(['/home', [], 0]);
  });

  it('AUTHZ-24 comes in the response mode that was asked for', async () => {
    for (const method of ['POST', 'HEAD', 'PUT']) {
      expect(await back('/auth/callback?code=a&state=b', '', method)).toEqual([400, 'RESPONSE_MODE']);
    }
    const form = application({ options: { responseMode: 'form_post' } });
    expect(codeOf(await attempt(form.strategy, get('/auth/callback?code=a&state=b')))).toEqual([400, 'RESPONSE_MODE']);
    const post = { ...get('/auth/callback', '', 'POST'), body: { code: 'a', state: 'b' } };
    expect(codeOf(await attempt(form.strategy, post))).toEqual([400, 'NO_TRANSACTION']);
  });

  it('is told by its path alone', async () => {
    const { login } = application({
      metadata: { redirect_uris: ['https://app.test/auth/callback?x=1', 'https://app.test/other'] },
    });
    const paths = [
      '/auth/callback?code=a',
      '/other',
      '/auth/login?code=a&state=b',
      '/auth/callback/',
      '/AUTH/callback',
    ];
    expect(paths.map((path) => login.isCallback(get(path)))).toEqual([true, true, false, false, false]);
    const behindProxy = application({ options: { callbackPath: '/callback' } }).login;
    expect(['/callback', '/auth/callback'].map((path) => behindProxy.isCallback(get(path)))).toEqual([true, false]);
  });
});

describe('the strategy', () => {
  it('NEST-15 is called by its client’s name', () => {
    expect(application().login.strategyName).toBe('oidc');
    expect(application({ name: 'partners' }).login.strategyName).toBe('oidc-partners');
  });

  it('ends exactly once, and keeps nothing of a request', async () => {
    const { strategy } = application();
    const before = inspect(strategy, { depth: 1, showHidden: true });
    for (const url of ['/auth/login', '/auth/callback', '/auth/callback?code=a&state=b']) {
      // As Passport does.
      const own: OidcStrategy = Object.create(strategy);
      const endings = [jest.fn(), jest.fn(), jest.fn()] as const;
      Object.assign(own, { success: endings[0], redirect: endings[1], error: endings[2] });
      await own.authenticate({ ...get(url), res: {} });
      expect(endings.flatMap((ending) => ending.mock.calls)).toHaveLength(1);
    }
    expect(inspect(strategy, { depth: 1, showHidden: true })).toBe(before);
  });

  it('says where AuthGuard can not drive it', async () => {
    const { strategy } = application();
    const error = jest.fn();
    await Object.assign(Object.create(strategy), { error }).authenticate(get('/auth/login'));
    expect(error.mock.calls).toEqual([
      [expect.objectContaining({ message: expect.stringContaining('works on Express only: use OidcLoginGuard') })],
    ]);
  });
});

describe('what a login needs is checked at boot', () => {
  it.each([
    ['client.redirect_uris', { metadata: { redirect_uris: undefined } }],
    ['client.redirect_uris', { metadata: { redirect_uris: ['http://app.test/cb'] } }],
    ['client.response_types', { metadata: { response_types: ['token'] } }],
    ['client.grant_types', { metadata: { grant_types: ['client_credentials'] } }],
    [
      'login.responseMode',
      { metadata: { redirect_uris: ['http://127.0.0.1/cb'] }, options: { responseMode: 'form_post' } },
    ],
    ['name', { name: 'a.b' }],
  ] as [string, Setup][])('%s', (member, setup) => {
    expect(() => application(setup).login.require()).toThrow(
      expect.objectContaining({ code: 'INVALID_CONFIG', member }),
    );
  });

  it('and passes where all is there', () => {
    const metadata = { response_types: ['code'], grant_types: ['authorization_code', 'refresh_token'] };
    expect(() => application({ metadata }).login.require()).not.toThrow();
    expect(() =>
      application({ metadata: { redirect_uris: ['http://localhost:3000/cb'] } }).login.require(),
    ).not.toThrow();
  });
});
