import { describe, expect, it } from '@jest/globals';

import { loginFindings } from '../../lib/login/login-findings.js';

const REDIRECT_URIS = ['https://app.test/cb'];

describe('what keeps a client from logging in', () => {
  it.each([
    {},
    { response_types: ['code'], grant_types: ['authorization_code'] },
    { response_types: ['code', 'id_token'], grant_types: ['refresh_token', 'authorization_code'] },
    { response_types: ['id_token', 'code'], grant_types: ['implicit'] },
    { response_types: ['token id_token code'], grant_types: ['authorization_code', 'implicit'] },
    { authorization_signed_response_alg: 'ES256' },
  ])('is nothing for %j', (registered) => {
    const client = { redirect_uris: REDIRECT_URIS, ...registered };
    const isSigned = 'authorization_signed_response_alg' in registered;
    const responseMode = isSigned ? 'form_post.jwt' : 'form_post';
    expect(loginFindings(client, { responseMode, allow: [] })).toEqual([]);
    expect(loginFindings(client, { responseMode: undefined, allow: [] })).toEqual([]);
  });

  it('is found all at once', () => {
    const client = {
      redirect_uris: [...REDIRECT_URIS, 'http://127.0.0.1/cb'],
      response_types: ['code id_token token'],
      grant_types: ['refresh_token'],
      authorization_signed_response_alg: 'ES256',
      id_token_signed_response_alg: 'none',
      dpop_bound_access_tokens: true,
      default_acr_values: ['gold'],
    };
    const settings = { responseMode: 'form_post', nonce: 'unsupported' } as const;
    const found = loginFindings(client, { ...settings, allow: ['acr_values'] });
    expect(found.map(({ member, problem }) => `${member} ${problem}`)).toEqual([
      'client.grant_types must contain authorization_code, which the response type needs',
      'client.grant_types must contain implicit, which the response type needs',
      'login.responseMode must be jwt, or end with .jwt: the registration asks for a JWT',
      'client.response_types must not begin with one that has token: such an access token is bound to nothing, and bound ones are registered',
      'client.id_token_signed_response_alg must not be none where the ID token comes by the browser',
      'login.responseMode can be form_post only where the redirect URIs are https',
      'login.nonce can not be unsupported where the ID token comes by the browser',
      'login.allow must not hold acr_values: a link could ask for less than client.default_acr_values',
    ]);
  });

  it.each<[string, object, object]>([
    ['client.response_types', { response_types: ['token'] }, {}],
    ['client.response_types', { response_types: [] }, {}],
    ['client.response_types', { response_types: ['none'] }, {}],
    ['login.responseMode', { response_types: ['id_token'] }, { responseMode: 'query' }],
    ['login.responseMode', { response_types: ['code token'] }, { responseMode: 'query.jwt' }],
    ['client.response_types', { response_types: ['code token'], tls_client_certificate_bound_access_tokens: true }, {}],
    ['login.userinfo', { response_types: ['id_token'] }, { userinfo: true }],
  ])('is %s of %j', (member, registered, settings) => {
    const client = { redirect_uris: REDIRECT_URIS, ...registered };
    const found = loginFindings(client, { responseMode: undefined, allow: [], ...settings });
    expect(found).toEqual([{ member, problem: expect.any(String), rule: expect.any(String), code: 'INVALID_CONFIG' }]);
  });
});
