import { expect, it } from '@jest/globals';
import { Controller, Get, Req, UseGuards, type INestApplication } from '@nestjs/common';

import {
  CurrentUser,
  InjectOidcSession,
  OIDC_CLOCK,
  OidcLoginGuard,
  OidcModule,
  OidcSession,
  OidcSessionGuard,
} from '../../lib/index.js';
import { CONTROLLERS } from '../support/app/app-controllers.js';
import { createApp, onBothAdapters, SESSION_SECRET, type Adapter } from '../support/app/apps.js';
import { expectCallbackRefused } from '../support/app/outcomes.js';
import { Browser } from '../support/browser/browser.js';
import { CLIENT_SECRET, startProvider } from '../support/provider/provider.js';

@Controller('b')
class TenantB {
  constructor(@InjectOidcSession('b') private readonly session: OidcSession) {}

  @Get('login')
  @UseGuards(OidcLoginGuard.for('b'))
  login() {}

  @Get('callback')
  @UseGuards(OidcLoginGuard.for('b'))
  callback() {}

  @Get('me')
  @UseGuards(OidcSessionGuard.for('b'))
  me(@CurrentUser() user: unknown) {
    return { user };
  }

  @Get('tokens')
  async tokens(@Req() request: object) {
    return { hasTokens: (await this.session.read(request)) !== undefined };
  }
}

/** Which session the framework's request has. */
@Controller('seen')
class SeenController {
  @Get()
  seen(@Req() request: { session?: unknown }) {
    return typeof request.session;
  }
}

/** As a middleware does it, and on Fastify as a plugin: there, a middleware sees Node's request only. */
function putOnRequests(nest: INestApplication, adapter: Adapter, members: object): void {
  const put = (request: object, _response: unknown, next: () => void) => {
    Object.assign(request, members);
    next();
  };
  nest.use(put);
  if (adapter === 'fastify') {
    nest.getHttpAdapter().getInstance().addHook('onRequest', put);
  }
}

const forbidden = () => {
  throw new Error('This session is none of yours');
};

/** One application for two tenants, each with a provider of its own; both sessions are sealed with one secret. */
async function tenants(adapter: Adapter) {
  const a = await startProvider();
  const b = await startProvider({ clock: a.clock });
  b.rotate();
  const client = { client_id: 'rp2', client_secret: CLIENT_SECRET, redirect_uris: ['https://app.test/b/callback'] };
  b.register(client);
  b.user = { sub: 'alice', name: 'Another Alice' };
  const second = OidcModule.forRoot({
    name: 'b',
    issuer: b.issuer,
    client,
    session: { secret: SESSION_SECRET },
    providers: [{ provide: OIDC_CLOCK, useValue: a.clock.now }],
  });
  const app = await createApp({
    adapter,
    op: a,
    publicUrl: 'https://app.test',
    imports: [second],
    controllers: [...CONTROLLERS, TenantB],
    options: { login: { scope: 'openid offline_access' } },
  });
  return { app, a, b };
}

onBothAdapters((adapter) => {
  it('TEN-04 a session of one tenant is none of another, whatever host and name it comes under', async () => {
    const { app } = await tenants(adapter);
    const browser = new Browser(app);
    await browser.login();
    const [session] = browser.jar.all;
    const cookies = [
      `${session?.name}=${session?.value}`,
      `__Host-oidc-session-b=${session?.value}`,
      `__Host-oidc-session=${session?.value}; __Host-oidc-session-b=${session?.value}`,
    ];
    for (const cookie of cookies) {
      const answer = await app.get('/b/me', { cookie, host: 'b.app.test', 'x-forwarded-host': 'b.app.test' });
      expect([answer.status, answer.json()['error']]).toEqual([401, 'login_required']);
    }
    expect((await app.get('/me', { cookie: cookies[0] ?? '' })).status).toBe(200);
  });

  it('TEN-10 a callback for one tenant without its transaction leaves the session of the other as it is', async () => {
    const { app, b } = await tenants(adapter);
    const victim = new Browser(app);
    await victim.login();
    const before = victim.jar.all;
    const attacker = new Browser(app);
    const answered = await attacker.startLogin({ path: '/b/login' });
    expectCallbackRefused(await victim.get(answered.location), 400, 'NO_TRANSACTION', app);
    expect(b.count('token')).toBe(0);
    expect(victim.jar.all).toEqual(before);
    expect((await victim.get('/me')).status).toBe(200);
    expect((await victim.get('/b/me')).status).toBe(401);
  });

  it('TEN-10 the transaction of one tenant does not end a login at the other', async () => {
    const { app, a, b } = await tenants(adapter);
    const browser = new Browser(app);
    const answered = await browser.startLogin();
    const elsewhere = answered.location.replace('/auth/callback', '/b/callback');
    expectCallbackRefused(await browser.get(elsewhere), 400, 'NO_TRANSACTION', app);
    expect([a.count('token'), b.count('token')]).toEqual([0, 0]);
    expect((await browser.finishLogin(answered)).status).toBe(303);
  });

  it('TEN-11 the tokens of one tenant are not at hand where the other is selected', async () => {
    const { app, a, b } = await tenants(adapter);
    const browser = new Browser(app);
    await browser.login();
    expect((await browser.get('/b/tokens')).json()).toEqual({ hasTokens: false });
    await browser.login({ path: '/b/login' });
    expect((await browser.get('/b/tokens')).json()).toEqual({ hasTokens: true });
    const [ofA, ofB] = [a, b].map((op) => op.requests('token').map(({ form }) => form['code']));
    expect(ofA).toHaveLength(1);
    expect(ofB).toHaveLength(1);
    expect(ofA).not.toEqual(ofB);
  });

  it('TEN-14 one subject with one verified address at two tenants is two users', async () => {
    const { app, a, b } = await tenants(adapter);
    const email = { email: 'alice@mail.test', email_verified: true };
    [a, b].forEach((op) => op.idToken({ claims: (claims) => ({ ...claims, ...email }) }));
    const browser = new Browser(app);
    await browser.login();
    const [session, ofA] = [browser.jar.get('__Host-oidc-session'), (await browser.get('/me')).json()];
    expect(ofA).toMatchObject({ user: { sub: 'alice', claims: { iss: a.issuer, ...email } } });
    await browser.login({ path: '/b/login' });
    expect((await browser.get('/b/me')).json()).toMatchObject({
      user: { sub: 'alice', claims: { iss: b.issuer, ...email } },
    });
    expect((await browser.get('/me')).json()).toEqual(ofA);
    expect(browser.jar.get('__Host-oidc-session')).toEqual(session);
  });

  it.each<[string, object | undefined, string]>([
    ['nothing', undefined, 'undefined'],
    ['no regenerate and no save', Object.freeze({ id: 'of somebody else’s middleware' }), 'object'],
    ['nothing that may be touched', new Proxy({}, { get: forbidden, set: forbidden, has: forbidden }), 'object'],
  ])('NEST-06 NEST-07 a login needs no session of a middleware: %s', async (_what, session, seen) => {
    const app = await createApp({
      adapter,
      controllers: [...CONTROLLERS, SeenController],
      configure: (nest) => putOnRequests(nest, adapter, { session }),
    });
    expect((await app.get('/seen')).body).toBe(seen);
    const browser = new Browser(app);
    expect((await browser.login({ returnTo: '/me' })).target).toBe(`${app.url}/me`);
    expect((await browser.get('/me')).status).toBe(200);
  });

  it('CACHE-14 no start of a login is kept or like another', async () => {
    const app = await createApp({ adapter });
    const [one, other] = [await app.get('/auth/login'), await app.get('/auth/login')];
    const states = [one, other].map((answer) => new URL(answer.header('location') ?? '').searchParams.get('state'));
    expect([one, other].map((answer) => answer.header('cache-control'))).toEqual(['no-store', 'no-store']);
    expect(states[0]).toMatch(/^[\w-]{43}$/);
    expect(states[1]).not.toBe(states[0]);
  });
});
