import { describe, expect, it } from '@jest/globals';

import { loginOptionsSchema } from '../../lib/login/login.options.js';
import { validate } from '../../lib/values/validate.js';

const parse = (options: unknown) => validate(loginOptionsSchema, options, 'login');

describe('login options', () => {
  it('have their defaults', () => {
    expect(parse({})).toEqual({
      parameters: {},
      allow: [],
      transactionLifetime: 600,
      userinfo: false,
      defaultReturnTo: '/',
      trustedAudiences: [],
      nonce: 'required',
    });
  });

  it('take what a login may ask for', () => {
    const options = {
      scope: 'openid profile',
      parameters: { audience: 'https://api.test', prompt: 'login', ui_locales: 'de' },
      allow: ['login_hint', 'prompt', 'ui_locales', 'screen_hint'],
      responseMode: 'form_post',
      transactionLifetime: 3600,
      userinfo: true,
      callbackPath: '/callback',
      defaultReturnTo: '/welcome?a=1',
      trustedAudiences: ['https://api.test'],
      nonce: 'unsupported',
    };
    expect(parse(options)).toEqual(options);
  });

  it('TXN-25 B8 name no parameter of the protocol', () => {
    for (const name of [
      'client_id',
      'response_type',
      'redirect_uri',
      'scope',
      'state',
      'nonce',
      'code_challenge',
      'code_challenge_method',
      'response_mode',
      'request',
      'request_uri',
      'max_age',
      'dpop_jkt',
    ]) {
      expect(() => parse({ allow: ['prompt', name] })).toThrow(
        `login.allow: may name no parameter of the protocol or of the login itself: ${name}`,
      );
      expect(() => parse({ parameters: { [name]: 'x' } })).toThrow(
        `login.parameters: may name no parameter of the protocol: ${name}`,
      );
    }
  });

  it('ask for openid, in the characters of a scope', () => {
    expect(() => parse({ scope: 'profile' })).toThrow('login.scope: must contain openid');
    expect(() => parse({ scope: 'myopenid' })).toThrow('login.scope: must contain openid');
    for (const scope of ['', 'openid  email', 'openid "x"', ' openid', 'openid\n']) {
      expect(() => parse({ scope })).toThrow(/^login\.scope/);
    }
  });

  it('return to a path of our own', () => {
    for (const wrong of ['', 'welcome', '//evil.test', 'https://evil.test/', 'https://app.invalid/x', '/\\evil.test']) {
      expect(() => parse({ defaultReturnTo: wrong })).toThrow('login.defaultReturnTo: must be a path');
      expect(() => parse({ callbackPath: wrong })).toThrow('login.callbackPath: must be a path');
    }
    for (const wrong of ['/callback?a=1', '/callback#a']) {
      expect(() => parse({ callbackPath: wrong })).toThrow('login.callbackPath: must be a path');
    }
  });

  it('REDIR-16 keep a path as a header can hold it', () => {
    expect(parse({ defaultReturnTo: '/é', callbackPath: '/✓' })).toMatchObject({
      defaultReturnTo: '/%C3%A9',
      callbackPath: '/%E2%9C%93',
    });
  });

  it('trust audiences by name, or all of a token that was issued to the client', () => {
    expect(parse({ trustedAudiences: 'azp' })).toMatchObject({ trustedAudiences: 'azp' });
    for (const wrong of ['*', 'all', ['*'], ['https://*.test'], ['azp'], [''], [1], true, null]) {
      expect(() => parse({ trustedAudiences: wrong })).toThrow(
        "login.trustedAudiences: must list audiences by their names, or be 'azp', which takes all",
      );
    }
  });

  it('let a link choose parameters by their names, and none of ours', () => {
    for (const name of ['returnTo', 'relocated', 'remember']) {
      expect(() => parse({ allow: [name] })).toThrow(
        'login.allow: may name no parameter of the protocol or of the login',
      );
    }
    for (const wrong of [[''], ['a b'], ['a[]'], ['*?'], [1], ['x'.repeat(65)], 'prompt', true]) {
      expect(() => parse({ allow: wrong })).toThrow(/^login\.allow/);
    }
  });

  it('give a person a minute to an hour', () => {
    for (const wrong of [0, 59, 3601, 600.5, -1, Number.NaN, Infinity, '600']) {
      expect(() => parse({ transactionLifetime: wrong })).toThrow(/^login\.transactionLifetime/);
    }
  });

  it('know whether the provider returns a nonce', () => {
    for (const wrong of ['optional', false, null]) {
      expect(() => parse({ nonce: wrong })).toThrow(/^login\.nonce/);
    }
  });

  it('know nothing else', () => {
    expect(() => parse({ redirectUri: '/x' })).toThrow('login.redirectUri: there is no such option');
    expect(() => parse({ responseMode: 'web_message' })).toThrow(/^login\.responseMode/);
  });
});
