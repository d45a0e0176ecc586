import { describe, expect, it } from '@jest/globals';
import {
  Controller,
  ForbiddenException,
  Get,
  Inject,
  Injectable,
  Module,
  Post,
  Req,
  Res,
  UseGuards,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { AuthGuard, PassportModule } from '@nestjs/passport';
import session from 'express-session';
import passport from 'passport';

import {
  CurrentUser,
  InjectOidcSession,
  OIDC_CLOCK,
  OidcLoginGuard,
  OidcModule,
  OidcSession,
  OidcSessionGuard,
  OidcStrategy,
  type JsonObject,
  type TokenResponse,
} from '../../lib/index.js';
import { CONTROLLERS, MeController } from '../support/app/app-controllers.js';
import { createApp, onBothAdapters, SESSION_SECRET, type AppSetup, type TestApp } from '../support/app/apps.js';
import { expectCallbackRefused, expectNoSession } from '../support/app/outcomes.js';
import { Browser } from '../support/browser/browser.js';
import { heapUsed } from '../support/heap.js';
import { rawBytes } from '../support/http/raw-http.js';
import { CLIENT_SECRET } from '../support/provider/provider.js';

@Injectable()
class Users {
  readonly seen: string[] = [];

  bySubject(sub: string): object | undefined {
    this.seen.push(sub);
    if (sub === 'banned') {
      throw new ForbiddenException('You are not welcome.');
    }
    return sub === 'nobody' ? undefined : { id: 7, name: sub.toUpperCase(), since: new Date(0) };
  }
}

@Module({ providers: [Users], exports: [Users] })
class UsersModule {}

@Injectable()
class AppStrategy extends OidcStrategy {
  constructor(@Inject(Users) private readonly users: Users) {
    super();
  }

  override async validate(claims: JsonObject, tokens: TokenResponse): Promise<unknown> {
    expect(tokens.access_token).toMatch(/./);
    return this.users.bySubject(String(claims['sub']));
  }
}

const extras = { imports: [UsersModule], providers: [{ provide: OidcStrategy, useClass: AppStrategy }] };

/** Where the framework believes the browser to be. */
@Controller('where')
class WhereController {
  @Get()
  where(@Req() { protocol, hostname }: { protocol: string; hostname: string }) {
    return `${protocol}://${hostname}`;
  }
}

const spoofed = (proto: string) => ({
  'x-forwarded-proto': proto,
  'x-forwarded-host': 'evil.test',
  'x-forwarded-port': '8443',
  forwarded: `proto=${proto};host=evil.test`,
});

/** Where a login says that it ends, and its cookies: names, and what attributes not all have. */
async function loginUnder(app: TestApp, headers: Readonly<Record<string, string>>) {
  const browser = new Browser(app);
  const first = await browser.get('/auth/login', { headers });
  // Where the host that is said is believed and wrong, it is sent to the right one first, and once.
  const start = first.target === `${app.url}/auth/login?relocated=1` ? await browser.follow(first, { headers }) : first;
  const end = await browser.finishLogin(await browser.follow(start), { headers });
  return {
    redirectUris: [new URL(start.location).searchParams.get('redirect_uri'), app.op.last('token').form['redirect_uri']],
    cookies: [...start.setCookies, ...end.setCookies].map((line) =>
      line.replace(/[.=][^;]*/, '').replace(/ (Max-Age=\d+|Path=\/|HttpOnly);/g, ''),
    ),
  };
}

onBothAdapters((adapter) => {
  it('an application’s own strategy makes its own user of the claims, once', async () => {
    const app = await createApp({ adapter, extras });
    const browser = new Browser(app);
    await browser.login();
    const user = { id: 7, name: 'ALICE', since: '1970-01-01T00:00:00.000Z' };
    expect((await browser.get('/me')).json()).toEqual({ user });
    expect((await browser.get('/me')).json()).toEqual({ user });
    expect(app.nest.get(Users, { strict: false }).seen).toEqual(['alice']);
  });

  it('it refuses whom it does not know, and what it throws is the answer', async () => {
    const app = await createApp({ adapter, extras });
    app.op.user = { sub: 'nobody' };
    const browser = new Browser(app);
    expectCallbackRefused(await browser.login(), 403, 'USER_REFUSED', app);
    app.op.user = { sub: 'banned' };
    const response = await browser.login();
    expect([response.status, response.json()['message']]).toEqual([403, 'You are not welcome.']);
    expectNoSession(response);
    expect(browser.jar.names).toEqual([]);
  });

  it('NEST-15 two clients stand side by side in one browser', async () => {
    const guests = await createApp({ adapter });
    @Controller('partners')
    class PartnersController {
      @Get('login')
      @UseGuards(OidcLoginGuard.for('partners'))
      login() {}

      @Get('callback')
      @UseGuards(OidcLoginGuard.for('partners'))
      callback() {}

      constructor(@InjectOidcSession('partners') private readonly session: OidcSession) {}

      @Post('logout')
      async logout(@Req() request: object, @Res({ passthrough: true }) response: object) {
        await this.session.end(request, response);
      }

      @Get('me')
      @UseGuards(OidcSessionGuard.for('partners'))
      me(@CurrentUser() user: unknown) {
        return { user };
      }
    }
    const client = {
      client_id: 'partner',
      client_secret: CLIENT_SECRET,
      redirect_uris: ['https://app.test/partners/callback'],
    };
    guests.op.register(client);
    guests.op.user = { sub: 'partner' };
    const partners = OidcModule.forRoot({
      name: 'partners',
      issuer: guests.op.issuer,
      client,
      session: { secret: SESSION_SECRET },
      providers: [{ provide: OIDC_CLOCK, useValue: guests.clock.now }],
    });
    const app = await createApp({
      adapter,
      publicUrl: 'https://app.test',
      imports: [partners],
      controllers: [...CONTROLLERS, PartnersController],
    });
    const browser = new Browser(app);
    const [own, other] = [
      await browser.startLogin({ returnTo: '/me' }),
      await browser.startLogin({ path: '/partners/login' }),
    ];
    expect((await browser.finishLogin(other)).status).toBe(303);
    expect((await browser.finishLogin(own)).target).toBe('https://app.test/me');
    expect(browser.jar.names.toSorted()).toEqual(['__Host-oidc-session', '__Host-oidc-session-partners']);
    expect((await browser.get('/me')).json()).toMatchObject({ user: { sub: 'alice' } });
    expect((await browser.get('/partners/me')).json()).toMatchObject({ user: { sub: 'partner' } });
    browser.jar.remove('__Host-oidc-session');
    expect((await browser.get('/me')).status).toBe(401);
    expect((await browser.get('/partners/me')).status).toBe(200);
    await browser.post('/partners/logout');
    expect((await browser.get('/partners/me')).status).toBe(401);
  });

  it('NEST-09 works under a global prefix, as its redirect URI is registered', async () => {
    const app = await createApp({ adapter, globalPrefix: 'api' });
    const browser = new Browser(app);
    const answer = await browser.startLogin({ path: '/api/auth/login', returnTo: '/api/me' });
    expect((await browser.finishLogin(answer)).target).toBe(`${app.url}/api/me`);
    expect((await browser.get('/api/me')).status).toBe(200);
  });

  it('NEST-09 works behind a proxy that cuts a prefix off', async () => {
    const client = { redirect_uris: ['https://app.test/shop/auth/callback'] };
    const options = { login: { callbackPath: '/auth/callback' } };
    const app = await createApp({ adapter, publicUrl: 'https://app.test', client, options });
    const browser = new Browser(app);
    const answer = await browser.startLogin({ returnTo: '/me' });
    const response = await browser.get(answer.location.replace('/shop/', '/'));
    expect([response.status, response.target]).toEqual([303, 'https://app.test/me']);
  });

  it.each<[string, boolean | number | string, string]>([
    ['nobody', false, 'http://127.0.0.1'],
    ['everybody', true, 'https://evil.test'],
    ['one hop', 1, 'https://evil.test'],
    ['a proxy of this address', '127.0.0.1', 'https://evil.test'],
  ])('NEST-19 is where it was registered, though %s may say where the browser is', async (_who, trustProxy, seen) => {
    const controllers = [...CONTROLLERS, WhereController];
    const plain = await createApp({ adapter, trustProxy, controllers });
    const secure = await createApp({ adapter, trustProxy, publicUrl: 'https://app.test' });
    expect((await plain.get('/where', spoofed('https'))).body).toBe(seen);
    for (const headers of [spoofed('https'), spoofed('http')]) {
      expect(await loginUnder(plain, headers)).toEqual({
        redirectUris: [`${plain.url}/auth/callback`, `${plain.url}/auth/callback`],
        cookies: ['oidc-login', 'oidc-login', 'oidc-session'].map((name) => `${name}; SameSite=Lax`),
      });
      expect(await loginUnder(secure, headers)).toEqual({
        redirectUris: ['https://app.test/auth/callback', 'https://app.test/auth/callback'],
        cookies: ['login', 'login', 'session'].map((name) => `__Host-oidc-${name}; Secure; SameSite=Lax`),
      });
    }
  });

  it('NEST-04 ends every login itself: no handler, no interceptor, no second answer', async () => {
    const app = await createApp({ adapter });
    const browser = new Browser(app);
    await Promise.all(Array.from({ length: 50 }, () => new Browser(app).get('/auth/login')));
    await browser.login();
    expect(app.handled).toEqual([]);
    expect(app.errors.map((error) => Object(error).status)).toEqual(Array.from({ length: 52 }, () => 303));
    expect(app.refusals).toEqual([]);
  });

  it('NEST-04 NEST-05 no interceptor sees a login', async () => {
    const seen: string[] = [];
    const interceptor: NestInterceptor = {
      intercept: (context, next) => {
        seen.push(context.getHandler().name);
        return next.handle();
      },
    };
    const app = await createApp({ adapter, providers: [{ provide: APP_INTERCEPTOR, useValue: interceptor }] });
    const browser = new Browser(app);
    expect((await browser.login()).status).toBe(303);
    expect(seen).toEqual([]);
    await browser.get('/public');
    expect(seen).toEqual(['open']);
  });

  it('NEST-05 ten thousand logins that nobody ends are answered and leave nothing behind', async () => {
    const app = await createApp({ adapter, recordsRefusals: false });
    const head = `GET /auth/login HTTP/1.1\r\nHost: ${new URL(app.url).host}\r\n`;
    const requests = `${`${head}\r\n`.repeat(499)}${head}Connection: close\r\n\r\n`;
    const begin = async (times: number) => {
      for (let begun = 0; begun < times; begun += 500) {
        const { status, body } = await rawBytes(app.address, requests);
        expect([status, body.match(/HTTP\/1\.1 303 /g)?.length]).toEqual([303, 499]);
      }
    };
    await begin(1000);
    const before = heapUsed();
    await begin(10_000);
    // A promise that stays, with what it waits for, takes more than 200 bytes.
    expect(heapUsed() - before).toBeLessThan(2_000_000);
  });

  it('asks for openid beside the registered scope', async () => {
    const app = await createApp({ adapter, client: { scope: 'email' } });
    await new Browser(app).startLogin();
    expect(app.op.last('authorize').query.get('scope')).toBe('openid email');
  });

  it.each([
    ['no secret for sessions', { session: undefined }, {}, 'session.secret'],
    ['no redirect URI', {}, { redirect_uris: undefined }, 'client.redirect_uris'],
    ['a response type that no login has', {}, { response_types: ['token'] }, 'client.response_types'],
    ['other grants', {}, { grant_types: ['client_credentials'] }, 'client.grant_types'],
    ['a scope without openid', { login: { scope: 'email' } }, {}, 'login.scope'],
  ])('a login with %s stops the boot', async (_what, options, client, member) => {
    await expect(createApp({ adapter, options, client })).rejects.toMatchObject({ name: 'ConfigError', member });
  });
});

interface OwnRequest {
  readonly user?: unknown;
  logout(done: (error: unknown) => void): void;
}

/** As the documentation of Nest has it for sessions of Passport. */
@Injectable()
class OwnSessionGuard extends AuthGuard('oidc') {
  override async canActivate(context: ExecutionContext): Promise<boolean> {
    const canActivate = (await super.canActivate(context)) as boolean;
    await super.logIn(context.switchToHttp().getRequest());
    return canActivate;
  }
}

@Controller('passport')
class OwnSessionController {
  @Get('login')
  @UseGuards(OwnSessionGuard)
  login() {}

  @Get('callback')
  @UseGuards(OwnSessionGuard)
  callback(@Req() { user }: OwnRequest) {
    return { user };
  }

  @Get('me')
  me(@Req() { user = null }: OwnRequest) {
    return { user };
  }

  @Post('logout')
  logout(@Req() request: OwnRequest) {
    return new Promise((resolve) => request.logout(resolve));
  }
}

describe('AuthGuard of @nestjs/passport, on Express', () => {
  @Controller('passport')
  class PassportController {
    @Get('login')
    @UseGuards(AuthGuard('oidc'))
    login() {}

    @Get('callback')
    @UseGuards(AuthGuard('oidc'))
    callback(@Req() request: { user: unknown }) {
      return { user: request.user };
    }
  }

  const boot = (more: Partial<AppSetup> = {}) =>
    createApp({
      adapter: 'express',
      publicUrl: 'https://app.test',
      client: { redirect_uris: ['https://app.test/passport/callback'] },
      controllers: [PassportController],
      ...more,
    });

  it('starts the same login and hands its user to the handler', async () => {
    const app = await boot();
    const browser = new Browser(app);
    const callback = await browser.login({ path: '/passport/login' });
    expect([callback.status, callback.json()]).toEqual([200, { user: expect.objectContaining({ sub: 'alice' }) }]);
    expect(callback.header('cache-control')).toBe('no-store');
  });

  it('sends a login at another host to the right one', async () => {
    const app = await boot();
    const answer = await app.get('/passport/login?returnTo=/me', { host: 'evil.test' });
    const [location] = answer.all('location');
    expect([answer.status, location]).toEqual([303, 'https://app.test/passport/login?returnTo=/me&relocated=1']);
  });

  it('writes no session of ours where no guard of ours reads one, however much the ID token says', async () => {
    const app = await boot();
    app.op.idToken({ claims: (claims) => ({ ...claims, pad: 'x'.repeat(20_000) }) });
    const browser = new Browser(app);
    expect((await browser.login({ path: '/passport/login' })).status).toBe(200);
    expect(browser.jar.names).toEqual([]);
  });

  it('writes it where an OidcSessionGuard reads it', async () => {
    const app = await boot({ controllers: [PassportController, MeController] });
    const browser = new Browser(app);
    expect((await browser.login({ path: '/passport/login' })).status).toBe(200);
    expect((await browser.get('/me')).json()).toMatchObject({ user: { sub: 'alice' } });
  });

  it('logs in to the application’s own session of express-session, and writes none of ours', async () => {
    passport.serializeUser((user, done) => done(null, user));
    passport.deserializeUser((user: Express.User, done) => done(null, user));
    const own = session({ name: 'own', secret: SESSION_SECRET, resave: false, saveUninitialized: false });
    const app = await boot({
      controllers: [OwnSessionController],
      imports: [PassportModule.register({ session: true })],
      configure: (nest) => void nest.use(own, passport.initialize(), passport.session()),
    });
    const browser = new Browser(app);
    const who = async () => (await browser.get('/passport/me')).json()['user'];
    const answer = await browser.startLogin({ path: '/passport/login' });
    expect(browser.jar.names).toEqual([expect.stringMatching(/^__Host-oidc-login\./)]);
    const callback = await browser.finishLogin(answer);
    expect(callback.json()).toMatchObject({ user: { sub: 'alice' } });
    expectNoSession(callback);
    expect(browser.jar.names).toEqual(['own']);
    const id = browser.jar.get('own')?.value;
    expect(await who()).toMatchObject({ sub: 'alice' });
    app.op.user = { sub: 'bob' };
    await browser.login({ path: '/passport/login' });
    expect(await who()).toMatchObject({ sub: 'bob' });
    expect([browser.jar.names, browser.jar.get('own')?.value === id]).toEqual([['own'], false]);
    await browser.post('/passport/logout');
    expect(await who()).toBeNull();
    expect(browser.jar.names).toEqual(['own']);
  });

  it('is told on Fastify that it does not work there, and leaves nothing in the browser', async () => {
    const app = await boot({ adapter: 'fastify' });
    const browser = new Browser(app);
    expect((await browser.get('/passport/login')).status).toBe(500);
    expect(app.errors.at(-1)).toMatchObject({ message: expect.stringContaining('use OidcLoginGuard') });
    expect(browser.jar.names).toEqual([]);
  });

  it('refuses what is no answer', async () => {
    const app = await boot();
    const browser = new Browser(app);
    const answer = await browser.startLogin({ path: '/passport/login' });
    expectCallbackRefused(await browser.get(answer.location.replace(/state=\w/, 'state=')), 400, 'STATE_MISMATCH', app);
    app.op.idToken({ sign: 'stranger' });
    expectCallbackRefused(await browser.finishLogin(answer), 403, 'SIGNATURE_INVALID', app);
  });
});
