import { expect, it } from '@jest/globals';
import { Controller, Get, UseGuards } from '@nestjs/common';

import { Introspection, OidcAnyGuard, OidcGuard, OidcModule } from '../../lib/index.js';
import { revocationBound } from '../../lib/resource-server/revocation-bounds.js';
import { AUDIENCE, createApp, SESSION_SECRET } from '../support/app/apps.js';
import { messagesOn } from '../support/messages.js';
import { CLIENT_SECRET, startProvider } from '../support/provider/provider.js';

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

@Controller('partners')
class PartnersController {
  @Get('either')
  @UseGuards(OidcAnyGuard.for('partners'))
  either() {}

  @Get('fresh')
  @UseGuards(OidcAnyGuard.for('partners'))
  @Introspection({ maxAge: 10, staleIfError: 20 })
  fresh() {}

  @Get('token')
  @UseGuards(OidcGuard)
  token() {}
}

it('a revoked token passes for as long as the API of the guard’s client says', async () => {
  const partners = await startProvider();
  const events = messagesOn('nestjs-oidc:operator');
  await createApp({
    adapter: 'express',
    controllers: [PartnersController],
    options: { resourceServer: { audience: AUDIENCE, issuers: [{ issuer: 'https://other.test' }] } },
    imports: [
      OidcModule.forRoot({
        name: 'partners',
        issuer: partners.issuer,
        client: {
          client_id: 'p1',
          client_secret: CLIENT_SECRET,
          redirect_uris: ['https://app.test/partners/callback'],
        },
        session: { secret: SESSION_SECRET },
        resourceServer: { audience: AUDIENCE, cache: { ttl: 60 } },
      }),
    ],
  });
  expect(events.flatMap((event) => (event.kind === 'revocation-bounds' ? event.bounds : []))).toEqual([
    { route: 'PartnersController.either', seconds: 60 },
    { route: 'PartnersController.fresh', seconds: 30 },
    { route: 'PartnersController.token', seconds: undefined },
  ]);
});
