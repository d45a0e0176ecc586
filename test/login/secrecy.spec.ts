import { inspect } from 'node:util';

import { expect, it } from '@jest/globals';

import { OidcClient, OidcSession } from '../../lib/index.js';
import { createApp, onBothAdapters, SESSION_SECRET } from '../support/app/apps.js';
import { expectNoSecrets } from '../support/app/outcomes.js';
import { Browser } from '../support/browser/browser.js';
import { CLIENT_SECRET } from '../support/provider/provider.js';

/** An error that says everything that it was asked with, and who asked. */
const repeated = (status: number, form: object, { authorization }: { readonly authorization?: string | undefined }) => {
  const [, credentials = ''] = authorization?.split(' ') ?? [];
  const client = Buffer.from(credentials, 'base64').toString('latin1');
  const error_description = [JSON.stringify(form), new URLSearchParams({ ...form }), authorization, client].join(' ');
  return { status, body: { error: 'invalid_grant', error_description } };
};

onBothAdapters((adapter) => {
  it('INJ-13 INJ-22 a good login and fourteen bad ones leave no secret in any log, answer or error', async () => {
    const options = {
      login: { scope: 'openid offline_access', userinfo: true },
      session: { secret: SESSION_SECRET, tokens: true },
    };
    const app = await createApp({ adapter, options, client: { introspection_signed_response_alg: 'ES256' } });
    const browser = new Browser(app);
    const faults = [
      () => app.op.answer('jwks', { status: 500 }),
      () => app.op.idToken({ sign: 'stranger' }),
      () => app.op.idToken({ claims: (claims) => ({ ...claims, nonce: 'other' }) }),
      () => app.op.idToken({ claims: (claims) => ({ ...claims, aud: 'other' }) }),
      () => app.op.tokenResponse((body) => ({ ...body, access_token: 1 })),
      () => app.op.userinfo({ body: (body) => ({ ...body, sub: 'other' }) }),
      () => app.op.answer('token', { status: 400, body: { error: 'invalid_grant' } }),
      () => app.op.answer('token', ({ form, headers }) => repeated(400, form, headers)),
      () => app.op.answer('introspect', ({ form, headers }) => repeated(400, form, headers)),
      () => app.op.answer('userinfo', ({ form, headers }) => repeated(401, form, headers)),
      () =>
        app.op.authorizationResponse(({ code: _, ...parameters }, { query }) => ({
          ...parameters,
          error: 'invalid_request',
          error_description: `state ${query.get('state')}, nonce ${query.get('nonce')}`,
        })),
      () => app.op.answer('token', 'reset'),
      () => app.op.introspectionResponse({ sign: 'stranger' }),
      () => app.op.authorizationResponse((parameters) => ({ ...parameters, iss: 'https://evil.test' })),
      () => undefined,
    ];
    const secrets = new Set([CLIENT_SECRET, SESSION_SECRET]);
    for (const prepare of faults) {
      app.op.reset();
      prepare();
      const start = await browser.get('/auth/login?returnTo=/me');
      ['state', 'nonce'].forEach((name) => secrets.add(String(new URL(start.location).searchParams.get(name))));
      const answer = await browser.get(start.location);
      new URL(answer.location).searchParams.getAll('code').forEach((code) => secrets.add(code));
      const callback = await browser.finishLogin(answer);
      browser.jar.all.forEach(({ value }) => secrets.add(value));
      await app.call('/orders', app.op.issue());
      expectNoSecrets(app, callback.status === 303 ? undefined : callback, [...secrets]);
    }
    app.op.requests('token').forEach(({ form }) => secrets.add(String(form['code_verifier'])));
    app.op.requests('introspect').forEach(({ form }) => secrets.add(String(form['token'])));
    const headers = { cookie: browser.jar.header(app.url, { isCrossSite: false, isSafe: true }) };
    const session = await app.nest.get(OidcSession).read({ headers, rawHeaders: [], method: 'GET', url: '/' });
    const { access_token, id_token, refresh_token } = session?.tokens ?? {};
    [access_token, id_token, refresh_token].forEach((token) => secrets.add(String(token)));
    expectNoSecrets(app, undefined, [...secrets]);
    expect(secrets.size).toBeGreaterThan(40);
    expect(secrets).not.toContain('undefined');
    expect(app.logs.filter(({ text }) => text.includes(String(app.op.user['sub'])))).toEqual([]);

    const printed =
      inspect([session, app.nest.get(OidcClient), app.nest.get(OidcSession)], { depth: 9 }) + JSON.stringify(session);
    // The nonce of a login that is over is a claim as any other.
    secrets.delete(Object(session?.user).claims.nonce);
    expect([...secrets].filter((secret) => printed.includes(secret))).toEqual([]);
    expect(app.refusals).toHaveLength(15);
    expect(app.refusals.map((refusal) => JSON.stringify(refusal.getResponse())).join()).not.toMatch(/stack|\.js:/);
  });
});
