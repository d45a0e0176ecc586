import { expect, it } from '@jest/globals';
import { Controller, Get, HttpException, Injectable, UseGuards, type ExecutionContext } from '@nestjs/common';

import {
  AccessToken,
  AccessTokenError,
  OidcGuard,
  type OidcError,
  type PresentedToken,
  type VerifiedAccessToken,
} from '../../lib/index.js';
import { createApp, onBothAdapters } from '../support/app/apps.js';
import { expectRefused } from '../support/app/outcomes.js';

@Injectable()
class CookieGuard extends OidcGuard {
  protected override extractToken(request: object, context: ExecutionContext): PresentedToken {
    const value = this.platform.cookies(request).get('token')?.[0];
    return value === undefined ? super.extractToken(request, context) : { scheme: 'Bearer', value };
  }
}

@Injectable()
class AliceGuard extends OidcGuard {
  protected override async verify(token: PresentedToken, request: object, context: ExecutionContext) {
    return super.verify(token, request, context);
  }

  protected override async authorize(token: VerifiedAccessToken, context: ExecutionContext): Promise<void> {
    await super.authorize(token, context);
    if (token.sub !== 'alice') {
      throw new AccessTokenError('INSUFFICIENT_SCOPE', 'Only alice.');
    }
  }
}

@Injectable()
class PoliteGuard extends OidcGuard {
  protected override getRequest(context: ExecutionContext): object {
    return context.switchToHttp().getRequest();
  }

  protected override handleRefusal(error: OidcError, context: ExecutionContext) {
    void super.handleRefusal(error, context);
    return new HttpException({ sorry: error.code }, 418);
  }
}

/** What it takes for a token is as it comes. */
const taken: { credentials: unknown } = { credentials: undefined };

@Injectable()
class CarelessGuard extends OidcGuard {
  protected override extractToken(): PresentedToken {
    return taken.credentials as PresentedToken;
  }
}

/** A gateway has its own names for what others send. */
@Injectable()
class GatewayGuard extends OidcGuard {
  protected override getRequest(context: ExecutionContext): object {
    const request = context.switchToHttp().getRequest();
    const { 'x-call': id, 'x-token': token } = request.headers;
    const headers = { 'x-fapi-interaction-id': id, ...(token && { authorization: `Bearer ${token}` }) };
    return Object.create(request, { headers: { value: headers } });
  }
}

@Controller()
class TemplateController {
  @Get('cookie')
  @UseGuards(CookieGuard)
  cookie(@AccessToken() token: VerifiedAccessToken) {
    return { sub: token.sub };
  }

  @Get('alice')
  @UseGuards(AliceGuard)
  alice() {
    return { ok: true };
  }

  @Get('careless')
  @UseGuards(CarelessGuard)
  careless() {
    return { ok: true };
  }

  @Get('gateway')
  @UseGuards(GatewayGuard)
  gateway() {
    return { ok: true };
  }

  @Get('polite')
  @UseGuards(PoliteGuard)
  polite() {
    return { ok: true };
  }
}

onBothAdapters((adapter) => {
  const boot = () => createApp({ adapter, controllers: [TemplateController] });

  it('extractToken: from where an application keeps it', async () => {
    const app = await boot();
    const response = await app.request('/cookie', { headers: { cookie: `token=${app.op.issue()}` } });
    expect(response.json()).toEqual({ sub: 'alice' });
    expectRefused(app, await app.request('/cookie'), 401, 'CREDENTIALS_MISSING');
  });

  it.each<[string, unknown, 400 | 401]>([
    ['nothing', undefined, 401],
    ['null', null, 401],
    ['what is to come', Promise.resolve({ scheme: 'Bearer', value: 'unknown' }), 401],
    ['no value', { scheme: 'Bearer', value: undefined }, 401],
    ['an empty value', { scheme: 'Bearer', value: '' }, 401],
    ['a number', { scheme: 'Bearer', value: 42 }, 400],
    ['a list', { scheme: 'Bearer', value: ['unknown'] }, 400],
    ['an object', { scheme: 'Bearer', value: { toString: () => 'unknown' } }, 400],
    ['two words', { scheme: 'Bearer', value: 'a b' }, 400],
    ['more than a form field', { scheme: 'Bearer', value: 'a&active=true' }, 400],
    ['16,385 characters', { scheme: 'Bearer', value: 'a'.repeat(16_385) }, 400],
    ['a scheme that nobody knows', { scheme: 'bearer', value: 'unknown' }, 400],
    ['no scheme', { value: 'unknown' }, 400],
  ])('extractToken: %s is no token, and nobody is asked about it', async (_what, credentials, status) => {
    const app = await boot();
    taken.credentials = credentials;
    const code = status === 401 ? 'CREDENTIALS_MISSING' : 'CREDENTIALS_MALFORMED';
    expectRefused(app, await app.get('/careless'), status, code);
    expect(app.op.count()).toBe(0);
  });

  it('extractToken: a token is one, whatever it came with', async () => {
    const app = await boot();
    taken.credentials = { scheme: 'Bearer', value: app.op.issue() };
    expect((await app.get('/careless')).status).toBe(200);
  });

  it('verify and authorize: with a rule of one’s own', async () => {
    const app = await boot();
    expect((await app.call('/alice', app.op.issue())).status).toBe(200);
    expectRefused(app, await app.call('/alice', app.op.issue({ sub: 'bob' })), 403, 'INSUFFICIENT_SCOPE');
  });

  it('getRequest and handleRefusal: in words of one’s own', async () => {
    const app = await boot();
    const response = await app.call('/polite', 'unknown');
    expect([response.status, response.json()]).toEqual([418, { sorry: 'TOKEN_INACTIVE' }]);
    expect(response.header('www-authenticate')).toContain('error="invalid_token"');
  });

  it('getRequest: what is judged is what is answered', async () => {
    const app = await boot();
    const id = 'c770aef3-6784-41f7-8e0e-ff5f97bddb3a';
    const good = await app.get('/gateway', { 'x-call': id, 'x-token': app.op.issue() });
    expect([good.status, good.header('x-fapi-interaction-id')]).toEqual([200, id]);
    const refused = await app.get('/gateway', { 'x-call': id, 'x-token': 'unknown' });
    expectRefused(app, refused, 401, 'TOKEN_INACTIVE');
    expect(refused.header('x-fapi-interaction-id')).toBe(id);
  });
});
