import { describe, expect, it } from '@jest/globals';

import { missingGrants } from '../../lib/tokens/granted-less.js';
import { TokenResponse } from '../../lib/tokens/token-response.js';

const tokens = (members: object): TokenResponse =>
  new TokenResponse({ access_token: 'AT', token_type: 'Bearer', scope: '', ...members });

describe('what a login asked for and was not granted', () => {
  it.each<[string, Parameters<typeof missingGrants>[0], object, readonly string[]]>([
    ['is nothing where all was', { scope: 'openid orders:read' }, { scope: 'orders:read openid more' }, []],
    ['is a scope', { scope: 'openid a b c' }, { scope: 'openid b' }, ['scope a', 'scope c']],
    ['is no scope of claims', { scope: 'openid profile email address phone' }, { scope: '' }, []],
    ['is a refresh token', { scope: 'openid offline_access' }, { scope: 'openid' }, ['scope offline_access']],
    ['is no refresh token that came', { scope: 'offline_access' }, { refresh_token: 'RT' }, []],
    [
      'is a type of authorization details',
      { scope: 'openid', authorization_details_types: ['a', 'b'] },
      { authorization_details: [{ type: 'b', actions: ['read'] }] },
      ['authorization_details a'],
    ],
    [
      'is every type where the server says nothing',
      { scope: 'openid', authorization_details_types: ['a'] },
      {},
      ['authorization_details a'],
    ],
  ])('%s', (_what, asked, granted, missing) => {
    expect(missingGrants(asked, tokens(granted))).toEqual(missing);
  });
});
