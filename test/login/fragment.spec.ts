import { createHash } from 'node:crypto';

import { expect, it } from '@jest/globals';
import { Catch, Controller, Get, Post, UseGuards, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { AuthGuard } from '@nestjs/passport';

import { OidcLoginGuard } from '../../lib/index.js';
import { createApp, onBothAdapters, type Adapter, type AppSetup } from '../support/app/apps.js';
import { expectCallbackRefused } from '../support/app/outcomes.js';
import { Browser } from '../support/browser/browser.js';

async function begun(adapter: Adapter, setup: Partial<AppSetup> = {}) {
  const app = await createApp({ adapter, client: { response_types: ['code id_token'] }, ...setup });
  const browser = new Browser(app);
  const answer = await browser.startLogin({ returnTo: '/me' });
  const fragment = new URL(answer.location).hash.slice(1);
  return { app, browser, answer, fragment };
}

@Controller('auth')
@UseGuards(OidcLoginGuard)
class WithoutPost {
  @Get('login') login() {}
  @Get('callback') callback() {}
}

onBothAdapters((adapter) => {
  it('is posted by a page that runs its own script alone, stays in no cache and in no frame of others', async () => {
    const { app, browser, answer } = await begun(adapter);
    const page = await browser.follow(answer);
    expect(page.status).toBe(200);
    expect(page.header('content-type')).toBe('text/html; charset=utf-8');
    expect(page.header('cache-control')).toBe('no-store');
    expect(page.header('referrer-policy')).toBe('no-referrer');
    expect(page.header('x-content-type-options')).toBe('nosniff');
    const [, script = ''] = /<script>([^]*?)<\/script>/.exec(page.body) ?? [];
    const hash = createHash('sha256').update(script).digest('base64');
    expect(page.header('content-security-policy')).toBe(
      `default-src 'none'; script-src 'sha256-${hash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'`,
    );
    expect(page.body.match(/<script/g)).toHaveLength(1);
    expect(page.body).toMatch(/<noscript><p>[^<]*JavaScript/);
    expect(page.setCookies).toEqual([]);
    expect([app.handled, app.refusals, app.op.count('token')]).toEqual([[], [], 0]);
  });

  it('is the same page whatever the query says', async () => {
    const { browser } = await begun(adapter);
    const page = await browser.get('/auth/callback');
    const other = await browser.get('/auth/callback?x=%3Cscript%3E&returnTo=https://evil.test&state=s');
    expect([other.status, other.body]).toEqual([200, page.body]);
  });

  it.each([{}, { rawBody: true }, { bodyParser: false }])('is read from the page’s form, with %p', async (parser) => {
    const { app, browser, answer } = await begun(adapter, parser);
    const [cookie] = browser.jar.startingWith('oidc-login.');
    expect(cookie?.sameSite).toBe('lax');
    const callback = await browser.finishLogin(answer);
    expect([callback.status, callback.target]).toEqual([303, `${app.url}/me`]);
    expect((await browser.get('/me')).status).toBe(200);
  });

  it.each([
    ['in the query', 'GET', 400, 'RESPONSE_MODE'],
    ['in a form of the provider', 'POST', 400, 'RESPONSE_MODE'],
  ] as const)('AUTHZ-24 takes no response %s', async (_what, method, status, code) => {
    const { app, browser, answer, fragment } = await begun(adapter);
    const response = await (method === 'GET'
      ? browser.get(`/auth/callback?${fragment}`)
      : browser.post('/auth/callback', fragment));
    expectCallbackRefused(response, status, code, app);
    expect(app.op.count('token')).toBe(0);
    expect((await browser.finishLogin(answer)).target).toBe(`${app.url}/me`);
  });

  it('AUTHZ-01 without a fragment is no response, and begins no login', async () => {
    const { app, browser } = await begun(adapter);
    const page = await browser.get('/auth/callback');
    expectCallbackRefused(await browser.submitForm(page), 400, 'MISSING_RESPONSE', app);
    expectCallbackRefused(await browser.submitForm(page, { fragment: 'x=1' }), 400, 'STATE_MISSING', app);
    expect(app.op.count('token')).toBe(0);
  });

  it('TXN-01 TXN-02 a stranger’s fragment logs nobody in, and a login of this browser goes on', async () => {
    const { app, fragment: strangers } = await begun(adapter);
    const victim = new Browser(app);
    const page = await victim.get('/auth/callback');
    expectCallbackRefused(await victim.submitForm(page, { fragment: strangers }), 400, 'NO_TRANSACTION', app);
    const own = await victim.startLogin({ returnTo: '/me' });
    expectCallbackRefused(await victim.submitForm(page, { fragment: strangers }), 400, 'STATE_MISMATCH', app);
    expect(app.op.count('token')).toBe(0);
    expect((await victim.finishLogin(own)).target).toBe(`${app.url}/me`);
  });

  it('TXN-01 a form of another site comes without the login’s cookie', async () => {
    const { app, browser, fragment } = await begun(adapter);
    const response = await browser.post('/auth/callback', { fragment }, { from: 'https://evil.test' });
    expectCallbackRefused(response, 400, 'NO_TRANSACTION', app);
    expect(app.op.count('token')).toBe(0);
  });

  it('TXN-03 posted again it goes where its login went', async () => {
    const { app, browser, answer, fragment } = await begun(adapter);
    await browser.finishLogin(answer);
    const again = await browser.post('/auth/callback', { fragment });
    expect([again.status, again.target]).toEqual([303, `${app.url}/me`]);
    expect(app.op.count('token')).toBe(1);
  });

  it('TXN-06 who took too long is refused, because the page’s form may lead to no other site', async () => {
    const { app, browser, answer } = await begun(adapter);
    app.clock.advance(600);
    expectCallbackRefused(await browser.finishLogin(answer), 400, 'TRANSACTION_EXPIRED', app);
  });

  it('AUTHZ-25 takes no other media type', async () => {
    const { app, browser, fragment } = await begun(adapter);
    const headers = { 'content-type': 'application/json' };
    const response = await browser.post('/auth/callback', JSON.stringify({ fragment }), { headers });
    expectCallbackRefused(response, 415, 'UNSUPPORTED_MEDIA_TYPE', app);
  });

  it('AUTHZ-30 is nothing to a login by code, whose callback has no page', async () => {
    const app = await createApp({ adapter });
    const response = await new Browser(app).get('/auth/callback');
    expectCallbackRefused(response, 400, 'MISSING_RESPONSE', app);
    expect(response.body).not.toContain('<script');
  });

  it('needs a route for the page’s form: else the boot stops', async () => {
    await expect(begun(adapter, { controllers: [WithoutPost] })).rejects.toMatchObject({
      name: 'ConfigError',
      message: expect.stringContaining('POST /auth/callback is not under OidcLoginGuard'),
    });
  });

  it('logs in at mounted routes', async () => {
    const { app, browser, answer } = await begun(adapter, { controllers: [], options: { routes: true } });
    expect((await browser.finishLogin(answer)).target).toBe(`${app.url}/me`);
    expect((await browser.get('/auth/me')).status).toBe(200);
  });

  it('shows the page under a filter that answers every exception', async () => {
    const { app, browser, answer } = await begun(adapter, {
      recordsRefusals: false,
      configure: (nest) => void nest.useGlobalFilters(new AnswersAll(nest.get(HttpAdapterHost))),
    });
    const page = await browser.follow(answer);
    expect([page.status, page.header('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect((await browser.finishLogin(answer)).target).toBe(`${app.url}/me`);
  });

  it('runs no filter once the page has gone: a second answer by an async one would end the process', async () => {
    const filter = new CatchesLater();
    const app = await createApp({
      adapter,
      client: { response_types: ['code id_token'] },
      recordsRefusals: false,
      configure: (nest) => void nest.useGlobalFilters(filter),
    });
    const pages = [await app.get('/auth/callback'), await app.get('/auth/callback')];
    expect(pages.map(({ status, body }) => [status, body.includes('<script>')])).toEqual([
      [200, true],
      [200, true],
    ]);
    expect(filter.caught).toEqual([]);
  });
});

@Catch()
class CatchesLater implements ExceptionFilter {
  readonly caught: string[] = [];

  async catch(exception: unknown) {
    this.caught.push(String(exception));
  }
}

@Catch()
class AnswersAll implements ExceptionFilter {
  constructor(private readonly host: HttpAdapterHost) {}

  catch(exception: unknown, context: ArgumentsHost) {
    const status = Number(Object(exception).status ?? 500);
    this.host.httpAdapter.reply(context.switchToHttp().getResponse(), { status }, status);
  }
}

@Controller('auth')
@UseGuards(AuthGuard('oidc'))
class PassportController {
  @Get('login') login() {}
  @Get('callback') callback() {
    return 'called back';
  }
  @Post('callback') posted() {
    return 'posted';
  }
}

it('works with AuthGuard of @nestjs/passport, whose handler answers', async () => {
  const { app, browser, answer } = await begun('express', { controllers: [PassportController] });
  const page = await browser.follow(answer);
  expect([page.status, page.header('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  const posted = await browser.finishLogin(answer);
  expect([posted.status, posted.body]).toEqual([201, 'posted']);
  expect(app.op.count('token')).toBe(1);
});
