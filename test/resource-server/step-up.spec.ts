import { expect, it } from '@jest/globals';
import { Controller, Get, UseGuards } from '@nestjs/common';

import { OidcGuard, Scopes, StepUp } from '../../lib/index.js';
import { createApp, onBothAdapters } from '../support/app/apps.js';
import { challengeOf, expectInsufficientScope, expectRefused } from '../support/app/outcomes.js';
import { T } from '../support/clock.js';
import { jwtAccessToken } from '../support/tokens/access-token.js';

@Controller()
@UseGuards(OidcGuard)
class StepUpController {
  @Get('strong')
  @Scopes('orders:read')
  @StepUp({ acr: ['phr', 'phrh'], maxAge: 300 })
  strong() {
    return { ok: true };
  }

  @Get('recent')
  @StepUp({ maxAge: 60 })
  recent() {
    return { ok: true };
  }
}

onBothAdapters((adapter) => {
  const boot = (validation = 'introspection') =>
    createApp({
      adapter,
      controllers: [StepUpController],
      options: { resourceServer: { audience: 'https://api.test', validation: validation as 'jwt' } },
    });

  it.each<[string, object]>([
    ['no acr', { auth_time: T }],
    ['another acr', { acr: '1', auth_time: T }],
    ['no auth_time', { acr: 'phr' }],
    ['an auth_time that is too long ago', { acr: 'phr', auth_time: T - 331 }],
    ['an auth_time in the future', { acr: 'phr', auth_time: T + 31 }],
    ['an auth_time in milliseconds', { acr: 'phr', auth_time: T * 1000 }],
  ])('a token with %s asks for a better login (RFC 9470, section 3)', async (_what, claims) => {
    const app = await boot();
    const response = await app.call('/strong', app.op.issue({ ...claims }));
    expectRefused(app, response, 401, 'INSUFFICIENT_AUTHENTICATION');
    expect(challengeOf(response)).toMatchObject({
      error: 'insufficient_user_authentication',
      acr_values: 'phr phrh',
      max_age: '300',
    });
    expect(response.json()).toMatchObject({ error: 'insufficient_user_authentication' });
  });

  it.each<[string, object]>([
    ['one of the acr', { acr: 'phrh', auth_time: T }],
    ['an auth_time within the tolerance', { acr: 'phr', auth_time: T - 330 }],
    ['an auth_time of a clock that is a little ahead', { acr: 'phr', auth_time: T + 30 }],
  ])('a token with %s passes', async (_what, claims) => {
    const app = await boot();
    expect((await app.call('/strong', app.op.issue({ ...claims }))).status).toBe(200);
  });

  it('the log says what the login was and what was wanted', async () => {
    const app = await boot();
    await app.call('/strong', app.op.issue({ acr: '1', auth_time: T - 400 }));
    expect(app.logs.at(-1)?.text).toBe(
      'INSUFFICIENT_AUTHENTICATION: The login behind the token is too weak or too long ago. acr="1" wanted="phr phrh" ' +
        'auth_time="2027-01-15T07:53:20.000Z" now="2027-01-15T08:00:00.000Z" max_age=300 OidcGuard',
    );
  });

  it('the same holds for what a JWT says', async () => {
    const app = await boot('jwt');
    const token = jwtAccessToken(app.op, { claims: { auth_time: T } });
    expect((await app.call('/recent', token)).status).toBe(200);
    app.clock.advance(91);
    const response = await app.call('/recent', token);
    expectRefused(app, response, 401, 'INSUFFICIENT_AUTHENTICATION');
    expect(challengeOf(response)).toMatchObject({ max_age: '60' });
    expect(challengeOf(response)).not.toHaveProperty('acr_values');
  });

  it('a missing scope is told first: no login brings it', async () => {
    const app = await boot();
    expectInsufficientScope(app, await app.call('/strong', app.op.issue({ scope: '' })), 'orders:read');
  });
});
