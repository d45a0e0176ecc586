import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { toForm } from '../../lib/authorization-server/form-encoding.js';
import { essentialAcr, isWellFormed, readParameters } from '../../lib/authorization/own-parameters.js';
import { OidcError } from '../../lib/errors/oidc.error.js';

const PAYMENT = { type: 'payment_initiation', instructedAmount: { currency: 'EUR', amount: '123.50' } };

describe('parameters that the application chooses', () => {
  it('are values, whether they came so or as the text of a URL', () => {
    const values = {
      resource: ['https://api.test', 'urn:orders'],
      authorization_details: [PAYMENT],
      claims: {
        userinfo: { given_name: { essential: true }, picture: null },
        id_token: { acr: { values: ['gold'] }, sub: { value: 'alice' } },
      },
      acr_values: 'gold silver',
      ui_locales: 'de en',
    };
    expect(readParameters(values)).toEqual(values);
    const text = {
      ...values,
      resource: 'https://api.test',
      authorization_details: JSON.stringify(values.authorization_details),
      claims: JSON.stringify(values.claims),
    };
    expect(readParameters(text)).toEqual({ ...values, resource: 'https://api.test' });
  });

  it('are left out where they are undefined', () => {
    expect(readParameters({ resource: undefined, login_hint: undefined, prompt: 'login' })).toEqual({
      prompt: 'login',
    });
  });

  it('stand in a form as text, each resource by itself, and JSON as JSON', () => {
    const parameters = {
      resource: ['https://a.test', 'https://b.test'],
      authorization_details: [PAYMENT],
      max_age: 60,
    };
    expect(toForm({ ...parameters, prompt: 'login', left_out: undefined })).toEqual({
      resource: ['https://a.test', 'https://b.test'],
      authorization_details: '[{"type":"payment_initiation","instructedAmount":{"currency":"EUR","amount":"123.50"}}]',
      max_age: '60',
      prompt: 'login',
    });
  });

  it.each<[string, object, string]>([
    ['a resource with a fragment', { resource: 'https://api.test/#x' }, 'parameters.resource'],
    ['a resource that is no URI', { resource: ['https://api.test', 'api'] }, 'parameters.resource'],
    ['no resource in a list', { resource: [] }, 'parameters.resource'],
    [
      'details without a type',
      { authorization_details: [{ actions: ['read'] }] },
      'parameters.authorization_details.0.type',
    ],
    ['details that are no list', { authorization_details: PAYMENT }, 'parameters.authorization_details'],
    ['no details in a list', { authorization_details: [] }, 'parameters.authorization_details'],
    ['details that are no JSON', { authorization_details: '[{' }, 'parameters.authorization_details'],
    ['B6 claims that are no JSON', { claims: 'email' }, 'parameters.claims'],
    ['B6 claims for another place', { claims: { access_token: {} } }, 'parameters.claims.access_token'],
    ['B6 a claim that is true', { claims: { id_token: { email: true } } }, 'parameters.claims.id_token.email'],
    [
      'B6 a claim that is misspelt',
      { claims: { userinfo: { email: { esential: true } } } },
      'parameters.claims.userinfo.email.esential',
    ],
    [
      'B6 a claim that is essential as text',
      { claims: '{"userinfo":{"email":{"essential":"true"}}}' },
      'parameters.claims.userinfo.email.essential',
    ],
    [
      'B6 a claim with no value in a list',
      { claims: { id_token: { acr: { values: [] } } } },
      'parameters.claims.id_token.acr.values',
    ],
    ['a parameter that is a list', { login_hint: ['a'] }, 'parameters.login_hint'],
    ['a parameter that is a number', { login_hint: 1 }, 'parameters.login_hint'],
    ['a parameter of the protocol', { state: 'x' }, 'parameters.state'],
    ['a parameter that is a function', { claims: { id_token: { acr: () => 1 } } }, 'parameters.claims.id_token.acr'],
  ])('are refused: %s', (_what, given, member) => {
    expect(() => readParameters(given as Parameters<typeof readParameters>[0])).toThrow(
      expect.objectContaining({ name: 'ConfigError', code: 'INVALID_CONFIG', member }),
    );
  });

  it('may ask for verified claims, which have a language of their own', () => {
    const claims = {
      userinfo: { verified_claims: { verification: { trust_framework: null }, claims: { birthdate: null } } },
    };
    expect(readParameters({ claims: JSON.stringify(claims) })).toEqual({ claims });
  });

  it('are well-formed as text, or not', () => {
    const texts: readonly [string, string][] = [
      ['resource', 'https://api.test'],
      ['resource', 'api'],
      ['claims', '{"id_token":{"acr":null}}'],
      ['claims', 'c'],
      ['authorization_details', '[{"type":"a"}]'],
      ['authorization_details', '[]'],
      ['login_hint', '{'],
      ['constructor', 'x'],
    ];
    expect(texts.map(([name, text]) => isWellFormed(name, text))).toEqual([
      true,
      false,
      true,
      false,
      true,
      false,
      true,
      true,
    ]);
  });

  it('are read or refused by name, whatever they are', () => {
    const names = fc.constantFrom('resource', 'claims', 'authorization_details', 'prompt', 'acr_values');
    fc.assert(
      fc.property(fc.dictionary(names, fc.oneof(fc.jsonValue(), fc.json())), (given) => {
        try {
          const read = readParameters(given as Parameters<typeof readParameters>[0]);
          expect(
            Object.values(toForm(read))
              .flat()
              .every((text) => typeof text === 'string'),
          ).toBe(true);
          // What was read once is read again as the same.
          expect(readParameters(read as Parameters<typeof readParameters>[0])).toEqual(read);
        } catch (error) {
          expect(error).toBeInstanceOf(OidcError);
        }
      }),
    );
  });
});

describe('the acr that a login demands', () => {
  it.each<[string, object, readonly string[] | undefined]>([
    ['is none without claims', {}, undefined],
    ['is none where it is a wish', { id_token: { acr: { values: ['gold'] } } }, undefined],
    ['is none where userinfo would tell it', { userinfo: { acr: { essential: true, values: ['gold'] } } }, undefined],
    ['is one of several', { id_token: { acr: { essential: true, values: ['gold', 'silver'] } } }, ['gold', 'silver']],
    ['is one', { id_token: { acr: { essential: true, value: 'gold' } } }, ['gold']],
    ['is any', { id_token: { acr: { essential: true } } }, []],
  ])('%s', (_what, claims, demanded) => {
    expect(essentialAcr(readParameters({ claims }))).toEqual(demanded);
  });
});
