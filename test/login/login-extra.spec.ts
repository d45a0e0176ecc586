import { expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';

import { OidcStrategy, type JsonObject, type LoginExtra, type TokenResponse } from '../../lib/index.js';
import { extraOf } from '../../lib/login/login-extra.js';
import { createApp, onBothAdapters } from '../support/app/apps.js';
import { Browser } from '../support/browser/browser.js';
import { T } from '../support/clock.js';
import { startProvider } from '../support/provider/provider.js';

const APPLE = '{"name":{"firstName":"Zoë","lastName":"Doe"},"email":"zoe@app.test"}';

let seen: LoginExtra | undefined;

@Injectable()
class NamingStrategy extends OidcStrategy {
  override validate(claims: JsonObject, _tokens: TokenResponse, extra: LoginExtra) {
    seen = extra;
    return { sub: String(claims['sub']) };
  }
}

onBothAdapters((adapter) => {
  it('hands the provider’s own parameters of a form to validate, marked as not verified', async () => {
    seen = undefined;
    const op = await startProvider({ host: 'localhost' });
    op.authorizationResponse((parameters) => ({ ...parameters, user: APPLE, session_state: 's', authuser: '0' }));
    const app = await createApp({
      adapter,
      op,
      publicUrl: 'https://app.test',
      options: { login: { responseMode: 'form_post' } },
      extras: { providers: [{ provide: OidcStrategy, useClass: NamingStrategy }] },
    });
    const browser = new Browser(app);
    expect((await browser.login()).status).toBe(303);
    expect(seen).toEqual({ unverified: { user: APPLE, authuser: '0' } });
    expect((await browser.get('/me')).json()).toMatchObject({ user: { sub: expect.any(String) } });
    expect((await browser.get('/me')).body).not.toContain('Zoë');
  });

  it('hands on what a signed response says beside the protocol, and nothing about its JWT', async () => {
    seen = undefined;
    const app = await createApp({
      adapter,
      client: { authorization_signed_response_alg: 'ES256' },
      extras: { providers: [{ provide: OidcStrategy, useClass: NamingStrategy }] },
    });
    app.op.authorizationJwt({
      claims: (claims) => ({ ...claims, tenant: 'blue', level: 3, iat: T, nbf: T, jti: 'j' }),
    });
    expect((await new Browser(app).login()).status).toBe(303);
    expect(seen).toEqual({ unverified: { tenant: 'blue', level: '3' } });
  });

  it('does so for a query, and has nothing of the protocol', async () => {
    seen = undefined;
    const app = await createApp({
      adapter,
      extras: { providers: [{ provide: OidcStrategy, useClass: NamingStrategy }] },
    });
    expect((await new Browser(app).login()).status).toBe(303);
    expect(seen).toEqual({ unverified: {} });
  });
});

it('is short, frozen and reaches no prototype', () => {
  const long = new Map([
    ['code', 'c'.repeat(4096)],
    ['a', 'x'.repeat(4096)],
    ['b', 'x'.repeat(4096)],
    ['c', 'x'],
  ]);
  expect(Object.keys(extraOf(long).unverified)).toEqual(['a']);
  const { unverified } = extraOf(new Map([['__proto__', '{"admin":true}']]));
  expect([Object.keys(unverified), Object.isFrozen(unverified), 'admin' in unverified]).toEqual([
    ['__proto__'],
    true,
    false,
  ]);
});
