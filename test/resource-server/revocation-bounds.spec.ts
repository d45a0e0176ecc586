import { expect, it } from '@jest/globals';

import { revocationBound } from '../../lib/resource-server/revocation-bounds.js';

type Settings = Parameters<typeof revocationBound>[0];
type Rule = Parameters<typeof revocationBound>[1];

const CACHE = { ttl: 30, negativeTtl: 5, maxEntries: 100 };
const PLAIN = { validation: undefined, freshness: {} };
const JWT_ONLY = { issuer: 'https://other.test' };
const REGISTERED = { issuer: 'https://other.test', client: { client_id: 'rp1' } };

it.each<[string, Partial<Settings>, Partial<Rule>, number | undefined]>([
  ['each call is introspected', {}, {}, 0],
  ['staleIfError without a cache does nothing', {}, { freshness: { staleIfError: 60 } }, 0],
  ['the lifetime in the cache', { cache: CACHE }, {}, 30],
  ['a lower maxAge', { cache: CACHE }, { freshness: { maxAge: 5 } }, 5],
  ['a higher maxAge', { cache: CACHE }, { freshness: { maxAge: 300 } }, 30],
  ['a maxAge of 0', { cache: CACHE }, { freshness: { maxAge: 0 } }, 0],
  ['staleIfError on top', { cache: CACHE }, { freshness: { maxAge: 5, staleIfError: 300 } }, 305],
  ['signatures', { validation: 'jwt' }, {}, undefined],
  ['signatures of some tokens', { validation: 'auto', cache: CACHE }, {}, undefined],
  ['a route that introspects', { validation: 'jwt', cache: CACHE }, { validation: 'introspection' }, 30],
  ['a route that does not', { cache: CACHE }, { validation: 'jwt' }, undefined],
  ['an issuer where we are not registered', { issuers: [REGISTERED, JWT_ONLY] }, {}, undefined],
  ['and a route that refuses its tokens', { issuers: [JWT_ONLY] }, { validation: 'introspection' }, 0],
  ['an issuer where we are registered', { issuers: [REGISTERED] }, {}, 0],
  ['a resolver, which may name any issuer', { issuers: () => undefined }, {}, undefined],
])('a revoked token passes: %s', (_what, settings, rule, expected) => {
  const all = { validation: 'introspection' as const, issuers: [], cache: undefined, ...settings };
  expect(revocationBound(all, { ...PLAIN, ...rule })).toBe(expected);
});
