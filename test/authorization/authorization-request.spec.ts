import { createHash } from 'node:crypto';

import { describe, expect, it } from '@jest/globals';

import { AUDIENCE } from '../support/app/apps.js';
import { clientOf, REDIRECT_URI, rejection } from '../support/client/client.js';
import { startProvider } from '../support/provider/provider.js';

describe('the authorization request', () => {
  it('B1 B2 B3 B4 has what the code flow needs, and nothing else', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    const { url, transaction } = await oidc.authorizationUrl();
    const parameters = Object.fromEntries(new URL(url).searchParams);
    expect(parameters).toEqual({
      client_id: 'rp1',
      response_type: 'code',
      redirect_uri: REDIRECT_URI,
      scope: 'openid',
      state: transaction.state,
      nonce: transaction.nonce,
      code_challenge: createHash('sha256').update(transaction.code_verifier).digest('base64url'),
      code_challenge_method: 'S256',
    });
    expect(transaction).toMatchObject({ issuer: op.issuer, redirect_uri: REDIRECT_URI, started_at: op.clock.now() });
  });

  it('TXN-13 TXN-14 never says the same twice', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    const values = new Set<string>();
    const rounds = 34_000;
    for (let count = 0; count < rounds; count += 1) {
      const { transaction } = await oidc.authorizationUrl();
      [transaction.state, transaction.nonce, transaction.code_verifier].forEach((value) => values.add(value));
    }
    expect(values.size).toBe(3 * rounds);
    expect([...values].every((value) => /^[\w-]{43}$/.test(value))).toBe(true);
  });

  it('B5 has the scope, the age and the strength that are registered or asked for', async () => {
    const op = await startProvider();
    const metadata = { scope: 'openid email', default_max_age: 600, default_acr_values: ['gold', 'silver'] };
    const { oidc } = clientOf(op, { metadata });
    const parametersOf = async (options = {}) =>
      Object.fromEntries(new URL((await oidc.authorizationUrl(options)).url).searchParams);
    expect(await parametersOf()).toMatchObject({ scope: 'openid email', max_age: '600', acr_values: 'gold silver' });
    expect(await parametersOf({ scope: 'openid phone', max_age: 60 })).toMatchObject({
      scope: 'openid phone',
      max_age: '60',
    });
    expect(await parametersOf({ max_age: 6000 })).toMatchObject({ max_age: '600' });
    const parameters = { acr_values: 'bronze', prompt: 'login', audience: AUDIENCE };
    expect(await parametersOf({ parameters, response_mode: 'form_post' })).toMatchObject({
      ...parameters,
      response_mode: 'form_post',
    });
  });

  it.each([
    ['orders:read email', 'openid orders:read email'],
    ['orders:openid', 'openid orders:openid'],
    ['email openid', 'email openid'],
  ])('asks for openid beside the registered scope %s', async (registered, scope) => {
    const { oidc } = clientOf(await startProvider(), { metadata: { scope: registered } });
    const { url, transaction } = await oidc.authorizationUrl();
    expect([new URL(url).searchParams.get('scope'), transaction.scope]).toEqual([scope, scope]);
  });

  it.each<[string, object, string]>([
    ['B7 of age 0 with prompt=none', { max_age: 0, parameters: { prompt: 'none' } }, 'parameters.prompt'],
    ['that sets the state', { parameters: { state: 'x' } }, 'parameters.state'],
    ['B8 with a request object', { parameters: { request: 'x' } }, 'parameters.request'],
    ['to a URI that is not registered', { redirect_uri: 'https://evil.test' }, 'client.redirect_uris'],
    ['without openid', { scope: 'email' }, 'login.scope'],
  ])('is not made %s', async (_what, options, member) => {
    const { oidc } = clientOf(await startProvider());
    expect(await rejection(oidc.authorizationUrl(options))).toMatchObject({ name: 'ConfigError', member });
  });
});
