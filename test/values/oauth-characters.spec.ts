import { expect, it } from '@jest/globals';

import { isNqchars, isScope, isVschars } from '../../lib/values/oauth-characters.js';

it.each([
  ['abc', true, true],
  ['!#[]~', true, true],
  ['a b', true, false],
  ['"', true, false],
  ['\\', true, false],
  ['', false, false],
  ['a\nb', false, false],
  ['abc\n', false, false],
  ['\u007f', false, false],
  ['ü', false, false],
])('%j is of VSCHAR: %s, of NQCHAR: %s', (text, visible, unquoted) =>
  expect([isVschars(text), isNqchars(text)]).toEqual([visible, unquoted]),
);

it.each([
  ['openid', true],
  ['openid orders:read', true],
  ['', false],
  [' openid', false],
  ['openid  email', false],
  ['openid\temail', false],
  ['openid "email"', false],
])('%j is a scope: %s', (text, expected) => expect(isScope(text)).toBe(expected));
