import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { challengesIn } from '../../lib/http/challenges.js';
import { expectWithin } from '../support/within.js';

/** What was read, as literals. */
function read(header: string | readonly string[] | undefined) {
  return challengesIn(header).map(({ scheme, token68, parameters }) => [
    scheme,
    ...(token68 === undefined ? [] : [token68]),
    Object.fromEntries(parameters),
  ]);
}

describe('RFC 9110 the challenges of WWW-Authenticate', () => {
  it.each<[string, string, unknown[]]>([
    [
      'several in one line (section 11.6.1)',
      'Basic realm="simple", Newauth realm="apps", type=1, title="Login to \\"apps\\""',
      [
        ['basic', { realm: 'simple' }],
        ['newauth', { realm: 'apps', type: '1', title: 'Login to "apps"' }],
      ],
    ],
    [
      'bearer and DPoP (RFC 9449, section 7.2)',
      'Bearer realm="WallyWorld", DPoP algs="ES256 PS256"',
      [
        ['bearer', { realm: 'WallyWorld' }],
        ['dpop', { algs: 'ES256 PS256' }],
      ],
    ],
    [
      'step-up (RFC 9470, section 3)',
      'Bearer error="insufficient_user_authentication", error_description="A different authentication level is required", acr_values="myACR"',
      [
        [
          'bearer',
          {
            error: 'insufficient_user_authentication',
            error_description: 'A different authentication level is required',
            acr_values: 'myACR',
          },
        ],
      ],
    ],
    ['a scheme alone', 'Negotiate', [['negotiate', {}]]],
    [
      'schemes alone, and one with parameters',
      'Negotiate, DPoP, Bearer error="x"',
      [
        ['negotiate', {}],
        ['dpop', {}],
        ['bearer', { error: 'x' }],
      ],
    ],
    [
      'a token68, with padding and without',
      'Negotiate oYH1MIHy=, NTLM TlRMTVNTUAAC, Bearer a==',
      [
        ['negotiate', 'oYH1MIHy=', {}],
        ['ntlm', 'TlRMTVNTUAAC', {}],
        ['bearer', 'a==', {}],
      ],
    ],
    ['F16 a scheme in any case', 'dPoP ERROR="use_dpop_nonce"', [['dpop', { error: 'use_dpop_nonce' }]]],
    ['blanks around the equals sign', 'Bearer error = "x" , scope\t=\ty', [['bearer', { error: 'x', scope: 'y' }]]],
    [
      'empty elements',
      ' , ,Bearer error="x",, ,DPoP,',
      [
        ['bearer', { error: 'x' }],
        ['dpop', {}],
      ],
    ],
    ['no commas between parameters', 'Bearer error="x" scope="a b"', [['bearer', { error: 'x', scope: 'a b' }]]],
    ['commas and schemes within quotes', 'Bearer realm="a, DPoP b=\\\\"', [['bearer', { realm: 'a, DPoP b=\\' }]]],
    ['an empty value', 'Bearer realm="", error=x', [['bearer', { realm: '', error: 'x' }]]],
    ['a name twice', 'Bearer error="a", Error="b"', [['bearer', { error: 'a' }]]],
    [
      'a name of every object',
      'Bearer constructor="x", __proto__="y"',
      [
        [
          'bearer',
          Object.fromEntries([
            ['constructor', 'x'],
            ['__proto__', 'y'],
          ]),
        ],
      ],
    ],
  ])('are read: %s', (_what, header, expected) => {
    expect(read(header)).toEqual(expected);
  });

  it('of several lines are all read', () => {
    expect(read(['Bearer error="x"', 'DPoP algs="ES256", Basic'])).toEqual([
      ['bearer', { error: 'x' }],
      ['dpop', { algs: 'ES256' }],
      ['basic', {}],
    ]);
    expect(read(undefined)).toEqual([]);
  });

  it.each<[string, unknown[]]>([
    ['', []],
    [' ,, ', []],
    ['error="x"', []],
    ['"Bearer" error="x"', []],
    ['Bearer error="x', [['bearer', {}]]],
    ['Bearer error="x\\', [['bearer', {}]]],
    ['Bearer error=', [['bearer', 'error=', {}]]],
    ['Bearer error=a"b"', [['bearer', {}]]],
    ['Bearer url=https://api.test, error="x"', [['bearer', {}]]],
    ['Bearer error="x", scope="y, DPoP algs="ES256"', [['bearer', { error: 'x', scope: 'y, DPoP algs=' }]]],
  ])('are read up to the mistake: %j', (header, expected) => {
    expect(read(header)).toEqual(expected);
  });

  it('are the same however they are written', () => {
    fc.assert(
      fc.property(fc.array(written, { minLength: 1, maxLength: 4 }), separator, (challenges, between) => {
        const header = challenges.map(({ text }) => text).join(between);
        expect(read(header)).toEqual(challenges.map(({ meant }) => meant));
      }),
    );
  });

  it('of a stranger are read in a moment, and never throw', async () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => void challengesIn(text)));
    fc.assert(
      fc.property(fc.array(fc.constantFrom('Bearer', ' ', ',', '=', '"', '\\', 'a', '\t')), (parts) => {
        for (const { scheme, parameters } of challengesIn(parts.join(''))) {
          expect(scheme).toMatch(/^[a-z]+$/);
          expect([...parameters.keys()].every((name) => /^[a-z]+$/.test(name))).toBe(true);
        }
      }),
    );
    const long = ['a'.repeat(64_000), 'a '.repeat(32_000), `a${' '.repeat(64_000)}"`, `a b="${'\\"'.repeat(32_000)}`];
    for (const text of long) {
      await expectWithin(3000, () => challengesIn(text));
    }
  });
});

/** A token of RFC 9110, section 5.6.2. */
const token = fc.stringMatching(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,8}$/);

const blank = fc.stringMatching(/^[ \t]{0,2}$/);

/** A comma, with blanks and empty elements around it (RFC 9110, section 5.6.1). */
const separator = fc.stringMatching(/^[ \t]{0,2},[ \t,]{0,2}$/);

/** A parameter, as a token or quoted, with some characters escaped that need not be. */
const parameter = fc
  .record({
    name: token,
    value: fc.oneof(token, fc.stringMatching(/^[\t\x20-\x7e]{0,12}$/)),
    isQuoted: fc.boolean(),
    escapes: fc.boolean(),
    before: blank,
    after: blank,
  })
  .map(({ name, value, isQuoted, escapes, before, after }) => {
    const mustQuote = isQuoted || !/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(value);
    const escaped = value.replace(escapes ? /./g : /["\\]/g, '\\$&');
    return { name, value, text: `${name}${before}=${after}${mustQuote ? `"${escaped}"` : value}` };
  });

/** A challenge as it stands in a header, and what it means. */
const written = fc.oneof(
  fc
    .record({ scheme: token, parameters: fc.array(parameter, { maxLength: 3 }), between: separator })
    .map(({ scheme, parameters, between }) => ({
      text: [scheme, parameters.map(({ text }) => text).join(between)].filter(Boolean).join(' '),
      meant: [
        scheme.toLowerCase(),
        Object.fromEntries(parameters.toReversed().map(({ name, value }) => [name.toLowerCase(), value])),
      ],
    })),
  fc
    .record({ scheme: token, token68: fc.stringMatching(/^[A-Za-z0-9._~+/-]{1,9}={0,2}$/) })
    .map(({ scheme, token68 }) => ({
      text: `${scheme} ${token68}`,
      meant: [scheme.toLowerCase(), token68, {}],
    })),
);
