import { describe, expect, it } from '@jest/globals';
import { NestFactory } from '@nestjs/core';

import { OidcModule } from '../../lib/index.js';
import { createApp, type TestApp } from '../support/app/apps.js';
import { CapturedLogger } from '../support/app/captured-logger.js';
import { expectNoSecrets } from '../support/app/outcomes.js';
import { Browser } from '../support/browser/browser.js';
import { freePort } from '../support/ports.js';
import type { HostileProvider } from '../support/provider/hostile-provider.js';
import { CLIENT_SECRET } from '../support/provider/provider.js';

const told = (app: TestApp) =>
  app.logs.filter(({ level }) => ['warn', 'error'].includes(level)).map(({ text }) => text);

describe('a refused login tells an operator what to mend', () => {
  it.each<[string, (op: HostileProvider) => void, (op: HostileProvider) => string]>([
    [
      'another audience beside the client',
      (op) => op.idToken({ claims: (claims) => ({ ...claims, aud: ['rp1', 'api'], azp: 'rp1' }) }),
      () =>
        'AUD_MISMATCH: The ID token has another audience beside this client: login.trustedAudiences takes it. ' +
        'aud="rp1 api" wanted="rp1"',
    ],
    [
      'another audience',
      (op) => op.idToken({ claims: (claims) => ({ ...claims, aud: 'rp2' }) }),
      () => 'AUD_MISMATCH: The ID token is meant for another audience. aud="rp2" wanted="rp1"',
    ],
    [
      'another party',
      (op) => op.idToken({ claims: (claims) => ({ ...claims, azp: 'rp2' }) }),
      () => 'AZP_MISMATCH: The ID token was issued to another party. aud="rp1" azp="rp2" wanted="rp1"',
    ],
    [
      'another issuer',
      (op) => op.idToken({ claims: (claims) => ({ ...claims, iss: `${op.issuer}/` }) }),
      (op) => `ISS_MISMATCH: The ID token names another issuer. iss="${op.issuer}/" wanted="${op.issuer}"`,
    ],
    [
      'another type',
      (op) => op.idToken({ header: (header) => ({ ...header, typ: 'at+jwt' }) }),
      () => 'TYP_MISMATCH: The ID token has another typ. typ="at+jwt" wanted="none jwt"',
    ],
    [
      'a description of the token endpoint',
      (op) =>
        op.answer('token', { status: 400, body: { error: 'invalid_grant', error_description: 'Code\nis used "up"' } }),
      (op) =>
        `OP_ERROR: The server refused the request. error="invalid_grant" error_description="Code\\nis used \\"up\\"" ` +
        `url="${op.issuer}/token" status=400 content_type="application/json"`,
    ],
    [
      'a description of the userinfo endpoint',
      (op) =>
        op.answer('userinfo', {
          status: 403,
          headers: { 'www-authenticate': 'Bearer error="insufficient_scope", error_description="Needs openid"' },
          body: '',
        }),
      (op) =>
        'USERINFO_REFUSED: The server answered 403 to a token that it just issued. ' +
        `url="${op.issuer}/userinfo" status=403 error_description="Needs openid"`,
    ],
    [
      'keys that are not there',
      (op) => op.answer('jwks', { status: 404, body: '' }),
      (op) =>
        `UNEXPECTED_STATUS: The server did not publish its keys where it says. url="${op.issuer}/jwks" status=404`,
    ],
  ])('%s', async (_what, prepare, line) => {
    const app = await createApp({ adapter: 'express', options: { login: { userinfo: true } } });
    prepare(app.op);
    await new Browser(app).login();
    expect(told(app)).toContainEqual(expect.stringContaining(`Login refused: ${line(app.op)}`));
  });

  it('an authorization response of another issuer', async () => {
    const app = await createApp({ adapter: 'express' });
    app.op.authorizationResponse((parameters) => ({ ...parameters, iss: `${app.op.issuer}/` }));
    await new Browser(app).login();
    expect(told(app)).toContainEqual(
      expect.stringContaining(
        'ISS_MISMATCH: The response comes from another issuer. ' + `iss="${app.op.issuer}/" wanted="${app.op.issuer}"`,
      ),
    );
  });
});

it('a boot that stops at the provider says whom it could not reach, and why', async () => {
  const issuer = `http://127.0.0.1:${await freePort()}`;
  const logger = new CapturedLogger();
  const client = { client_id: 'rp1', client_secret: CLIENT_SECRET };
  const module = OidcModule.forRoot({ issuer, client, discovery: { when: 'boot' } });
  const boots = NestFactory.createApplicationContext(module, { logger, abortOnError: false });
  await expect(boots).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
  expect(logger.lines.map(({ text }) => text)).toContainEqual(
    expect.stringContaining(`url="${issuer}/.well-known/openid-configuration" reason="ECONNREFUSED"`),
  );
});

it('an introspection endpoint that repeats the token and our secret gets neither into the log', async () => {
  const app = await createApp({ adapter: 'express' });
  app.op.answer('introspect', ({ form, headers }) => ({
    status: 403,
    body: {
      error: 'access_denied',
      error_description: `Nothing for ${form['token']} of ${headers.authorization}, ${CLIENT_SECRET}`,
    },
  }));
  const [first, second] = [app.op.issue(), app.op.issue()];
  const response = await app.call('/orders', first);
  await app.call('/orders', second);
  expectNoSecrets(app, response, [first, second, CLIENT_SECRET]);
  const lines = app.logs.filter(({ text }) => text.includes('Nothing for [secret] of Basic [secret], [secret]'));
  expect(lines.map(({ level }) => level)).toEqual(['error', 'debug']);
});
