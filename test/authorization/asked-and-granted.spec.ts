import { inspect } from 'node:util';

import { describe, expect, it } from '@jest/globals';

import { clientOf, loginWith, rejection } from '../support/client/client.js';
import { startProvider } from '../support/provider/provider.js';

const DETAILS = [{ type: 'payment_initiation', creditor: 'DE0210010010' }];

const demanding = (acr: object) => ({ request: { parameters: { claims: { id_token: { acr } } } } });

describe('what a login asked for is compared with what came', () => {
  it.each([
    ['one of the values', { essential: true, values: ['gold', 'silver'] }, 'silver'],
    ['the value', { essential: true, value: 'gold' }, 'gold'],
    ['any, where none is named', { essential: true }, 'bronze'],
    ['none, where it was a wish', { values: ['gold'] }, undefined],
    ['another, where it was a wish', { value: 'gold' }, 'bronze'],
  ])('the acr may be %s', async (_what, demand, acr) => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    op.idToken({ claims: (claims) => ({ ...claims, acr }) });
    expect((await loginWith(oidc, op, demanding(demand))).idToken.claims['acr']).toBe(acr);
  });

  it.each([
    ['another', { essential: true, values: ['gold', 'silver'] }, 'bronze'],
    ['of another case', { essential: true, value: 'gold' }, 'Gold'],
    ['missing', { essential: true, value: 'gold' }, undefined],
    ['missing where any would do', { essential: true }, undefined],
    ['a list', { essential: true, value: 'gold' }, ['gold']],
    ['empty of meaning', { essential: true }, null],
  ])('an essential acr may not be %s (Core, section 5.5.1.1)', async (_what, demand, acr) => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    op.idToken({ claims: (claims) => ({ ...claims, acr }) });
    expect(await rejection(loginWith(oidc, op, demanding(demand)))).toMatchObject({
      name: 'VerificationError',
      code: 'ACR_MISMATCH',
    });
    expect(op.count('userinfo')).toBe(0);
  });

  it('acr_values are wishes (Core, section 5.5.1.1)', async () => {
    const op = await startProvider();
    const { oidc, reported } = clientOf(op, { metadata: { default_acr_values: ['gold'] } });
    op.idToken({ claims: (claims) => ({ ...claims, acr: 'bronze' }) });
    await loginWith(oidc, op);
    expect(reported).toEqual([]);
  });

  it('RFC 6749, section 3.3: an operator hears of a scope that was not granted', async () => {
    const op = await startProvider();
    const { oidc, reported } = clientOf(op);
    op.tokenResponse((members) => ({ ...members, scope: 'openid orders:read' }));
    const request = { scope: 'openid email orders:read orders:write' };
    const { tokens } = await loginWith(oidc, op, { request });
    expect(tokens.scope).toBe('openid orders:read');
    expect(reported).toEqual([{ kind: 'granted-less', missing: ['scope orders:write'] }]);
  });

  it('RFC 9396, section 7: keeps the authorization details that were granted, and prints none', async () => {
    const op = await startProvider();
    const { oidc, reported } = clientOf(op);
    const granted = [{ ...DETAILS[0], account: 'ES2211002200' }];
    op.tokenResponse((members) => ({ ...members, authorization_details: granted }));
    const { tokens } = await loginWith(oidc, op, { request: { parameters: { authorization_details: DETAILS } } });
    expect(tokens.authorization_details).toEqual(granted);
    expect(inspect(tokens, { depth: 9, showHidden: true }) + JSON.stringify(tokens)).not.toContain('ES2211002200');
    expect(reported).toEqual([]);
  });

  it('RFC 9396, section 7: an operator hears of authorization details that were not granted', async () => {
    const op = await startProvider();
    const { oidc, reported } = clientOf(op);
    const { tokens } = await loginWith(oidc, op, { request: { parameters: { authorization_details: DETAILS } } });
    expect(tokens.authorization_details).toBeUndefined();
    expect(reported).toEqual([{ kind: 'granted-less', missing: ['authorization_details payment_initiation'] }]);
  });

  it.each([['text'], [{ type: 'a' }], [[{ actions: ['read'] }]], [['a']]])(
    'RFC 9396: refuses authorization details that are %j',
    async (authorization_details) => {
      const op = await startProvider();
      const { oidc } = clientOf(op);
      op.tokenResponse((members) => ({ ...members, authorization_details }));
      expect(await rejection(loginWith(oidc, op))).toMatchObject({ code: 'TOKEN_RESPONSE_INVALID' });
    },
  );

  it('RFC 9396: authorization details stay when a refresh names none', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    op.tokenResponse((members, { form }) =>
      form['grant_type'] === 'refresh_token' ? members : { ...members, authorization_details: DETAILS },
    );
    const { tokens } = await loginWith(oidc, op, { request: { scope: 'openid offline_access' } });
    expect((await oidc.refresh(tokens)).authorization_details).toEqual(DETAILS);
  });

  it('RFC 9396, section 10: sends no type that is not registered', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op, { metadata: { authorization_details_types: ['account_information'] } });
    expect(await rejection(oidc.authorizationUrl({ parameters: { authorization_details: DETAILS } }))).toMatchObject({
      message: 'parameters.authorization_details: has a type that client.authorization_details_types does not hold',
    });
    const details = [{ type: 'account_information' }];
    const { url } = await oidc.authorizationUrl({ parameters: { authorization_details: details } });
    expect(new URL(url).searchParams.get('authorization_details')).toBe('[{"type":"account_information"}]');
  });
});
