import { ConsoleLogger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { expect, it } from '@jest/globals';

import { Server } from '../../lib/authorization-server/server.js';
import { customFetch, OidcClient, OidcModule, type TrustedIssuerOptions } from '../../lib/index.js';
import type { Servers } from '../../lib/module/servers.js';
import { serversToken } from '../../lib/nest/tokens.js';
import { Evictions } from '../../lib/tokens/evictions.js';
import { rejection } from '../support/client/client.js';

type Fetch = (url: string) => Promise<Response>;

const OWN = 'https://op.test/realms/own';
const OTHER = 'https://op.test/realms/other';

const registered = { client_id: 'rp1', client_secret: 'secret' };

const tokens = async () => Response.json({ access_token: 'a', token_type: 'Bearer' });

const at = (issuer: string, fetch?: Fetch): TrustedIssuerOptions => ({
  issuer,
  client: { ...registered, ...(fetch && { [customFetch]: fetch }) },
  server: { issuer, token_endpoint: `${issuer}/token`, introspection_endpoint: `${issuer}/introspect` },
});

/** The client of an application, and its clients at other issuers. */
async function clientsOf(options: TrustedIssuerOptions, ...others: readonly TrustedIssuerOptions[]) {
  const { client = registered, server = {} } = options;
  const app = await Test.createTestingModule({
    imports: [OidcModule.forRoot({ issuer: options.issuer, client, server })],
  })
    .setLogger(new ConsoleLogger({ logLevels: [] }))
    .compile();
  const servers = app.get<Servers>(serversToken(), { strict: false });
  return [app.get(OidcClient), ...others.map((options) => clientAt(servers.at(options)))] as const;
}

function clientAt(server: object): OidcClient {
  if (!(server instanceof Server)) {
    throw new Error('We are not registered there.');
  }
  return new OidcClient(undefined, server, new Evictions());
}

it('an issuer that wants to be left alone silences no other on its host', async () => {
  const fetch: Fetch = async (url) =>
    url.startsWith(OTHER) ? new Response('', { status: 429, headers: { 'retry-after': '60' } }) : tokens();
  const [own, other] = await clientsOf(at(OWN, fetch), at(OTHER));
  expect(await rejection(other!.clientCredentials())).toMatchObject({ code: 'RATE_LIMITED', retryAfter: 60 });
  expect((await own.clientCredentials()).access_token).toBe('a');
  expect(await rejection(other!.introspect('token'))).toMatchObject({ code: 'RATE_LIMITED' });
});

it('an issuer that is down is down for itself only', async () => {
  const fetch: Fetch = async (url) => (url.startsWith(OTHER) ? new Response('', { status: 503 }) : tokens());
  const [own, other] = await clientsOf(at(OWN, fetch), at(OTHER));
  for (let count = 0; count < 10; count += 1) {
    await rejection(other!.clientCredentials());
  }
  expect(await rejection(other!.clientCredentials())).toMatchObject({
    message: 'The server failed too often and is left alone for a while.',
  });
  expect((await own.clientCredentials()).access_token).toBe('a');
});

it('a registration at another issuer brings its own Fetch API, or is called with ours', async () => {
  const calls: string[] = [];
  const seenBy =
    (name: string): Fetch =>
    (url) => {
      calls.push(`${name} ${url}`);
      return tokens();
    };
  const third = 'https://third.test';
  const clients = await clientsOf(at(OWN, seenBy('own')), at(OTHER, seenBy('other')), at(third));
  for (const client of clients) {
    await client.clientCredentials();
  }
  expect(calls).toEqual([`own ${OWN}/token`, `other ${OTHER}/token`, `own ${third}/token`]);
});
