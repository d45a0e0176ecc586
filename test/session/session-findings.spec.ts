import { describe, expect, it } from '@jest/globals';

import { sessionFindings } from '../../lib/session/session-findings.js';

const CLIENT = { redirect_uris: ['https://app.test/cb'], backchannel_logout_uri: 'https://app.test/backchannel' };

describe('what keeps sessions from being kept', () => {
  it('is nothing where there is a store', () => {
    expect(sessionFindings(CLIENT, { cookie: {}, keep: 'store', silentLogin: false }, true)).toEqual([]);
  });

  it('is found all at once', () => {
    expect(
      sessionFindings(CLIENT, { cookie: { domain: 'other.test' }, keep: 'store', silentLogin: false }, false),
    ).toEqual([
      {
        member: 'session.cookie.domain',
        problem: 'must be the host of each redirect URI, or above it',
        rule: 'RFC 6265bis, section 5.7',
        code: 'INVALID_CONFIG',
      },
      {
        member: 'client.backchannel_logout_uri',
        problem: 'needs a `store`: sessions in cookies alone can not be ended without their browser',
        rule: 'OpenID Connect Back-Channel Logout 1.0, section 2.7',
        code: 'INVALID_CONFIG',
      },
      {
        member: 'session.keep',
        problem: 'can be store only where there is a `store`',
        rule: 'nestjs-oidc, session options',
        code: 'INVALID_CONFIG',
      },
    ]);
  });

  it('is a silent login that would not work', () => {
    const cookie = { sameSite: 'strict' } as const;
    const findings = sessionFindings({ default_max_age: 0 }, { cookie, keep: undefined, silentLogin: true }, false);
    expect(findings.map(({ member, rule }) => [member, rule])).toEqual([
      ['session.silentLogin', 'OpenID Connect Core 1.0, section 3.1.2.1'],
      ['session.silentLogin', 'RFC 6265bis, section 8.8.2'],
    ]);
  });

  it('is nothing without a store where the sessions are in cookies', () => {
    const { redirect_uris } = CLIENT;
    expect(sessionFindings({ redirect_uris }, { cookie: {}, keep: undefined, silentLogin: false }, false)).toEqual([]);
    expect(sessionFindings({ redirect_uris }, { cookie: {}, keep: 'cookie', silentLogin: false }, false)).toEqual([]);
  });
});
