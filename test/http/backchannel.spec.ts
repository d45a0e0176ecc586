import { expect, it } from '@jest/globals';

import { calledUrl } from '../../lib/http/backchannel.js';

it.each([
  ['https://op.test', 'http://op:8080', 'https://op.test/token?x=1', 'http://op:8080/token?x=1'],
  ['https://op.test', 'http://op:8080/', 'https://op.test', 'http://op:8080'],
  ['https://op.test/', 'http://op:8080', 'https://op.test/token', 'http://op:8080/token'],
  [
    'https://op.test/auth/realms/a',
    'http://kc/realms/a',
    'https://op.test/auth/realms/a/keys',
    'http://kc/realms/a/keys',
  ],
  ['https://op.test/realms/a', 'http://kc/realms/a', 'https://op.test/realms/a?x', 'http://kc/realms/a?x'],
  [
    'https://op.test/realms/a',
    'http://kc/realms/a',
    'https://op.test/realms/ab/keys',
    'https://op.test/realms/ab/keys',
  ],
  ['https://op.test/realms/a', 'http://kc/realms/a', 'https://op.test/token', 'https://op.test/token'],
  ['https://op.test', 'http://op:8080', 'https://op.test.evil.test/token', 'https://op.test.evil.test/token'],
  ['https://op.test', 'http://op:8080', 'https://op.test:8443/token', 'https://op.test:8443/token'],
  ['https://op.test', 'http://op:8080', 'https://op.test@evil.test/', 'https://op.test@evil.test/'],
  ['https://op.test', 'http://op:8080', 'http://op.test/token', 'http://op.test/token'],
])('of %s at %s: %s is called at %s', (issuer, url, published, called) => {
  expect(calledUrl(published, { issuer, url })).toBe(called);
});
