import { expect, it } from '@jest/globals';

import { withoutSecrets } from '../../lib/authorization-server/sent-secrets.js';

it.each<[string, string, readonly string[], string]>([
  ['a secret', 'no code abc here', ['abc'], 'no code [secret] here'],
  ['a secret that is a part of another', 'abcdef abc', ['abc', 'abcdef'], '[secret] [secret]'],
  ['a secret that stands in the mask', 'the secret e', ['secret', 'e'], 'th[secret] [secret] [secret]'],
  ['a secret as it is in a form', 'a+b%2F', ['a b/'], '[secret]'],
  ['nothing', 'text', ['', 'other'], 'text'],
])('masks %s', (_what, text, secrets, masked) => expect(withoutSecrets(text, secrets)).toBe(masked));
