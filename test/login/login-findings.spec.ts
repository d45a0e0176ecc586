import { describe, expect, it } from '@jest/globals';

import { loginFindings } from '../../lib/login/login-findings.js';

const REDIRECT_URIS = ['https://app.test/cb'];

describe('what keeps a client from logging in', () => {
  it.each([
    {},
    { response_types: ['code'], grant_types: ['authorization_code'] },
    { response_types: ['code', 'id_token'], grant_types: ['refresh_token', 'authorization_code'] },
  ])('is nothing for %j', (registered) => {
    const client = { redirect_uris: REDIRECT_URIS, ...registered };
    expect(loginFindings(client, { responseMode: 'form_post', allow: [] })).toEqual([]);
  });

  it('is found all at once', () => {
    const client = {
      redirect_uris: [...REDIRECT_URIS, 'http://127.0.0.1/cb'],
      response_types: ['id_token'],
      grant_types: ['implicit'],
    };
    expect(loginFindings(client, { responseMode: 'form_post', allow: [] })).toEqual([
      {
        member: 'client.response_types',
        problem: 'must contain code, by which this library logs in',
        rule: 'OpenID Connect Dynamic Client Registration 1.0, section 2',
        code: 'INVALID_CONFIG',
      },
      {
        member: 'client.grant_types',
        problem: 'must contain authorization_code, by which this library logs in',
        rule: 'OpenID Connect Dynamic Client Registration 1.0, section 2',
        code: 'INVALID_CONFIG',
      },
      {
        member: 'login.responseMode',
        problem: 'can be form_post only where the redirect URIs are https',
        rule: 'RFC 6265bis, section 4.1.2.7',
        code: 'INVALID_CONFIG',
      },
    ]);
    expect(loginFindings(client, { responseMode: 'query', allow: [] })).toHaveLength(2);
  });
});
