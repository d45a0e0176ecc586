import { expect, it } from '@jest/globals';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose';
import { map } from 'rxjs';

import { OidcGuard, OidcSessionGuard, type ClientMetadata, type OidcModuleOptions } from '../../lib/index.js';
import { generateKey, privateJwk } from '../../lib/testing/provider/keys.js';
import { createApp, onBothAdapters, SESSION_SECRET, type Adapter } from '../support/app/apps.js';
import { Browser } from '../support/browser/browser.js';
import { closeLater } from '../support/closing.js';
import { RealProvider } from '../support/provider/real-provider.js';

const URL = 'https://app.test';

const [next, current] = [generateKey('P-256', 'next'), generateKey('RSA', 'current')];
const rotating: Partial<ClientMetadata> = {
  client_secret: undefined,
  jwks: { keys: [next, current].map((key) => JSON.parse(JSON.stringify(privateJwk(key)))) },
};

/** As many applications have for all of their JSON. */
class Wrapping implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler) {
    return next.handle().pipe(map((data: unknown) => ({ data })));
  }
}

const withKeys = (
  adapter: Adapter,
  client: Partial<ClientMetadata> = rotating,
  routes: OidcModuleOptions['routes'] = true,
  options: Partial<OidcModuleOptions> = {},
) =>
  createApp({
    adapter,
    controllers: [],
    publicUrl: URL,
    client: { post_logout_redirect_uris: [`${URL}/auth/logged-out`], ...client },
    options: { routes, ...options },
    providers: [
      { provide: APP_GUARD, useClass: OidcSessionGuard },
      { provide: APP_GUARD, useClass: OidcGuard },
      { provide: APP_INTERCEPTOR, useClass: Wrapping },
    ],
  });

onBothAdapters((adapter) => {
  it('A11 publish the public keys of a client that rotates, and sign with the first', async () => {
    const app = await withKeys(adapter);
    const answer = await app.get('/auth/jwks');
    expect(answer.status).toBe(200);
    expect(answer.header('content-type')).toMatch(/^application\/jwk-set\+json(?:; charset=utf-8)?$/);
    expect([answer.header('cache-control'), answer.setCookies]).toEqual(['private, max-age=300', []]);
    expect(answer.json()).toEqual({ keys: [next.jwk, current.jwk] });
    expect(answer.body).not.toMatch(/"(?:d|p|q|dp|dq|qi|k)":/);

    await new Browser(app).login();
    const set: JSONWebKeySet = JSON.parse(answer.body);
    const { client_assertion = '' } = app.op.last('token').form;
    const currentDate = new Date(app.clock.now());
    const { protectedHeader } = await jwtVerify(client_assertion, createLocalJWKSet(set), { currentDate });
    expect(protectedHeader.kid).toBe('next');
  });

  it('A11 are read by a real provider, which takes our assertions and encrypts ID tokens for us', async () => {
    const op = closeLater(await RealProvider.start());
    const encryption = generateKey('RSA', 'encryption');
    const keys = [privateJwk(next), privateJwk(current), privateJwk(encryption, { use: 'enc' })];
    const app = await createApp({
      adapter,
      op,
      controllers: [],
      client: {
        ...RealProvider.SIGNED,
        client_secret: undefined,
        token_endpoint_auth_method: 'private_key_jwt',
        id_token_encrypted_response_alg: 'RSA-OAEP-256',
        jwks: { keys: JSON.parse(JSON.stringify(keys)) },
      },
      options: { routes: true },
    });
    const { client_secret, jwks, ...members } = app.client;
    op.register({ ...members, jwks_uri: `${app.url}/auth/jwks` });
    const browser = new Browser(app);
    await op.login(browser, { sub: 'alice' });
    expect((await browser.get('/auth/me')).json()).toMatchObject({ sub: 'alice' });
  });

  it('let no shared cache keep the cookies of a session that a global guard has refreshed', async () => {
    const app = await withKeys(adapter, rotating, true, {
      login: { scope: 'openid offline_access' },
      session: { secret: SESSION_SECRET, tokens: true },
    });
    const browser = new Browser(app);
    await browser.login();
    app.clock.advance(3600);
    const answer = await browser.get('/auth/jwks');
    expect(answer.setCookies).toEqual([expect.stringMatching(/^__Host-oidc-session=./)]);
    expect([answer.status, answer.header('cache-control')]).toEqual([200, 'private, max-age=300']);
  });

  it('publish what describes a key, and no secret or other member', async () => {
    const secret = { kty: 'oct', kid: 'secret', k: 'c2VjcmV0' };
    const described = {
      ...JSON.parse(JSON.stringify(privateJwk(current))),
      alg: 'RS256',
      x5c: ['MIIB'],
      'x5t#S256': 'AA',
    };
    const jwks = { keys: [{ ...described, key_ops: ['sign'], note: 'ours' }, secret] };
    const app = await withKeys(adapter, { jwks });
    expect((await app.get('/auth/jwks')).json()).toEqual({
      keys: [{ ...current.jwk, alg: 'RS256', x5c: ['MIIB'], 'x5t#S256': 'AA' }],
    });
  });

  it('are not there without keys, or where the route is left out', async () => {
    expect((await (await withKeys(adapter, {})).get('/auth/jwks')).status).toBe(404);
    expect((await (await withKeys(adapter, rotating, { jwks: false })).get('/auth/jwks')).status).toBe(404);
  });

  it('stand where jwks_uri says', async () => {
    const client = { ...rotating, jwks_uri: `${URL}/.well-known/jwks.json` };
    const app = await withKeys(adapter, client, { jwks: '/.well-known/jwks.json' });
    expect((await app.get('/.well-known/jwks.json')).status).toBe(200);
  });
});

it('jwks_uri at a host of ours that leads elsewhere stops the boot, and at another host does not', async () => {
  await expect(withKeys('express', { ...rotating, jwks_uri: `${URL}/keys` })).rejects.toThrow(
    'client.jwks_uri: must lead to the mounted route /auth/jwks (routes.jwks)',
  );
  await withKeys('express', { ...rotating, jwks_uri: 'https://keys.test/rp1' });
});

it.each(['keys', 'https://app.test/keys#now'])('%s as jwks_uri stops the boot', async (jwks_uri) => {
  await expect(withKeys('express', { ...rotating, jwks_uri })).rejects.toThrow(
    'client.jwks_uri: must be an absolute URI',
  );
});
