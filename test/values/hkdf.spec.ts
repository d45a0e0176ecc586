import { expect, it } from '@jest/globals';

import { hkdf } from '../../lib/values/hkdf.js';

const SECRET = 'a secret of thirty-two characters';

// A key that changes with a release would end every session and every nonce.
it.each([
  ['session', undefined, 'ce6078a9dd99c3d16d459840af86bc1c'],
  ['DPoP nonce', 'https://api.example.com', '88be09d3900ec75d8a1358dbf352d6d5'],
])('the key for %s with the salt %s stays the same', (purpose, salt, key) =>
  expect(hkdf(SECRET, purpose, 16, salt).toString('hex')).toBe(key),
);

it('the keys of one secret differ by purpose and by salt', () => {
  const keys = [hkdf(SECRET, 'session', 16), hkdf(SECRET, 'login', 16), hkdf(SECRET, 'session', 16, 'other')];
  expect(new Set(keys.map((key) => key.toString('hex'))).size).toBe(3);
});
