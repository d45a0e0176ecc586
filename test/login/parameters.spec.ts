import { expect, it } from '@jest/globals';
import { BadRequestException, Controller, Get, Injectable, UseGuards, type ExecutionContext } from '@nestjs/common';

import { OidcLoginGuard } from '../../lib/index.js';
import { createApp, onBothAdapters, type Adapter } from '../support/app/apps.js';
import { AuthController } from '../support/app/app-controllers.js';
import { expectCallbackRefused } from '../support/app/outcomes.js';
import { Browser } from '../support/browser/browser.js';

const allow = ['login_hint', 'prompt', 'ui_locales', 'screen_hint'];

/** What a link to the login sends to the provider. */
async function sentBy(adapter: Adapter, queries: readonly string[], setup: object = {}) {
  const app = await createApp({ adapter, options: { login: { allow, parameters: { prompt: 'login' } } }, ...setup });
  const sent: URLSearchParams[] = [];
  for (const query of queries) {
    sent.push(new URL((await new Browser(app).get(`/auth/login?${query}`)).location).searchParams);
  }
  return sent;
}

/** What the next guard returns, or throws. */
let chosen: () => unknown = () => ({});

@Injectable()
class ChoosingGuard extends OidcLoginGuard {
  protected override parameters(context: ExecutionContext): ReturnType<OidcLoginGuard['parameters']> {
    expect(context.getType()).toBe('http');
    return chosen() as ReturnType<OidcLoginGuard['parameters']>;
  }
}

@Controller('choose')
class ChoosingController {
  @Get()
  @UseGuards(ChoosingGuard)
  login() {}
}

onBothAdapters((adapter) => {
  it('takes the allowed parameters of the query, above the configured ones', async () => {
    const [sent] = await sentBy(adapter, ['login_hint=alice%40app.test&prompt=create&ui_locales=de+en&other=x']);
    expect(Object.fromEntries(sent ?? [])).toMatchObject({
      login_hint: 'alice@app.test',
      prompt: 'create',
      ui_locales: 'de en',
    });
    expect([sent?.has('other'), sent?.has('screen_hint')]).toEqual([false, false]);
  });

  it('TXN-25 takes none that is not allowed, and none of the protocol', async () => {
    const query = [
      'redirect_uri=https://evil.test&client_id=x&state=y&nonce=z&response_mode=fragment&scope=admin',
      'response_type=token&code_challenge=c&code_challenge_method=plain&request=r&request_uri=u&max_age=9&claims=c',
    ].join('&');
    const [evil, plain] = await sentBy(adapter, [query, '']);
    const withoutFresh = (sent?: URLSearchParams) =>
      [...(sent ?? [])].filter(([name]) => !['state', 'nonce', 'code_challenge'].includes(name));
    expect(withoutFresh(evil)).toEqual(withoutFresh(plain));
    expect([evil?.get('state'), evil?.get('nonce')]).not.toContain('y');
  });

  it.each([
    'login_hint=a&login_hint=b',
    'login_hint=',
    'login_hint',
    'login_hint=%zz',
    'login_hint=a%0d%0ab',
    'login_hint=a%00',
    'login_hint[]=a',
    'login_hint[x]=a',
    'LOGIN_HINT=a',
    `login_hint=${'x'.repeat(513)}`,
  ])('leaves out %s', async (query) => {
    const [sent] = await sentBy(adapter, [query]);
    expect(sent?.has('login_hint')).toBe(false);
  });

  it.each(['none login', 'login none', 'none none'])(
    'leaves out the prompt %p, which no server takes',
    async (prompt) => {
      const [sent] = await sentBy(adapter, [new URLSearchParams({ prompt }).toString()]);
      // The configured one stays.
      expect(sent?.get('prompt')).toBe('login');
    },
  );

  it('lets no link ask for a weaker login than is registered', async () => {
    const options = { login: { allow: ['acr_values'] } };
    await expect(createApp({ adapter, options, client: { default_acr_values: ['gold'] } })).rejects.toMatchObject({
      message: 'login.allow: must not hold acr_values: a link could ask for less than client.default_acr_values',
    });
    const app = await createApp({ adapter, options });
    const { location } = await new Browser(app).get('/auth/login?acr_values=gold');
    expect(new URL(location).searchParams.get('acr_values')).toBe('gold');
  });

  it('escapes what it takes', async () => {
    const [sent] = await sentBy(adapter, ['login_hint=a%26scope%3Dadmin%23']);
    expect([sent?.get('login_hint'), sent?.get('scope')]).toEqual(['a&scope=admin#', 'openid']);
  });

  it('TXN-27 a silent login that needs a person goes on without a session, and no loop begins', async () => {
    const app = await createApp({ adapter, options: { login: { allow } } });
    app.op.authorizationResponse(({ state, iss }) => ({ state, iss, error: 'login_required' }));
    const browser = new Browser(app);
    const begun = await browser.get('/auth/login?prompt=none&returnTo=/public');
    expect(new URL(begun.location).searchParams.get('prompt')).toBe('none');
    const back = await browser.follow(await browser.follow(begun));
    expect([back.status, back.target, browser.jar.names]).toEqual([303, `${app.url}/public`, []]);
    expect([app.op.count('token'), app.refusals]).toEqual([0, []]);
  });

  it('TXN-27 refuses one that a link did not ask for, because the way back could begin it again', async () => {
    const app = await createApp({ adapter, options: { login: { parameters: { prompt: 'none' } } } });
    app.op.authorizationResponse(({ state, iss }) => ({ state, iss, error: 'login_required' }));
    const browser = new Browser(app);
    expectCallbackRefused(await browser.login(), 403, 'OP_ERROR', app);
    expect(browser.jar.names).toEqual([]);
  });

  it('lets no link ask for a silent login where each login has to ask the person', async () => {
    const client = { default_max_age: 0 };
    const [sent, other] = await sentBy(adapter, ['prompt=none', 'prompt=create'], { client });
    expect([sent?.get('prompt'), other?.get('prompt')]).toEqual(['login', 'create']);
  });

  it.each([
    ['at once', () => ({ login_hint: 'own', acr_values: 'mfa', audience: undefined })],
    ['by a promise', async () => ({ login_hint: 'own', acr_values: 'mfa' })],
  ])('adds what the guard chooses %s, above the query', async (_when, parameters) => {
    chosen = parameters;
    const app = await createApp({
      adapter,
      controllers: [AuthController, ChoosingController],
      options: { login: { allow, parameters: { acr_values: 'password' } } },
    });
    const browser = new Browser(app);
    const sent = new URL((await browser.get('/choose?login_hint=link&ui_locales=de')).location).searchParams;
    expect(Object.fromEntries(sent)).toMatchObject({ login_hint: 'own', acr_values: 'mfa', ui_locales: 'de' });
    expect(sent.has('audience')).toBe(false);
    expect((await browser.login({ path: '/choose' })).status).toBe(303);
  });

  it.each<[string, unknown]>([
    ['of the protocol', { state: 'fixed-state' }],
    ['that is no text', { login_hint: 12_345 }],
    ['as text', 'state=fixed-state'],
  ])('does not begin with a parameter %s, and does not say so to the browser', async (_what, parameters) => {
    chosen = () => parameters;
    const app = await createApp({ adapter, controllers: [AuthController, ChoosingController] });
    const page = await new Browser(app).get('/choose');
    expectCallbackRefused(page, 502, 'INVALID_CONFIG', app);
    expect(page.body).not.toMatch(/parameters|fixed-state|12345/);
  });

  it('passes on what the guard throws', async () => {
    chosen = () => {
      throw new BadRequestException('no such tenant');
    };
    const app = await createApp({ adapter, controllers: [AuthController, ChoosingController], recordsRefusals: false });
    const page = await new Browser(app).get('/choose');
    expect([page.status, page.json()['message'], page.setCookies]).toEqual([400, 'no such tenant', []]);
  });
});
