import { readFileSync } from 'node:fs';

import { describe, expect, it } from '@jest/globals';

import { Server } from '../../lib/authorization-server/server.js';
import { Clock } from '../../lib/clock/clock.js';
import { Connections } from '../../lib/http/connections.js';
import { Transport } from '../../lib/http/transport.js';
import { OidcClient } from '../../lib/index.js';
import { parseClientMetadata } from '../../lib/metadata/registered-client.js';
import { Evictions } from '../../lib/tokens/evictions.js';
import { LIMITS } from '../support/http/limits.js';

interface Vector {
  readonly id: string;
  readonly section: string;
  readonly description: string;
  readonly registered: { readonly client_id: string };
  readonly server: { readonly issuer: string };
  readonly response: { readonly status: number; readonly content_type: string; readonly body: string };
  readonly expected:
    | { readonly result: 'claims'; readonly claims: object }
    | { readonly result: 'refused'; readonly reason: string; readonly code: string };
}

const { vectors, now, tolerance, token, audience, client_secret, jwks } = JSON.parse(
  readFileSync(new URL('./rfc9701.json', import.meta.url), 'utf8'),
);

function clientOf({ registered, server, response }: Vector): OidcClient {
  const answers: Readonly<Record<string, () => Response>> = {
    '/jwks': () => Response.json(jwks),
    '/introspect': () =>
      new Response(response.body, { status: response.status, headers: { 'content-type': response.content_type } }),
  };
  const fetch = async (url: string) => answers[new URL(url).pathname]?.() ?? new Response(null, { status: 404 });
  const clock = (): number => now * 1000;
  const endpoints = { introspection_endpoint: `${server.issuer}/introspect`, jwks_uri: `${server.issuer}/jwks` };
  const asSeen = new Server(
    parseClientMetadata({ client_secret, ...registered }),
    {
      issuer: server.issuer,
      insecureHttp: false,
      document: 'openid-configuration',
      overrides: { ...server, ...endpoints },
    },
    new Transport(new Connections(LIMITS, clock, { fetch })),
    new Clock(clock, 0, tolerance),
    { report: () => undefined },
  );
  return new OidcClient(undefined, asSeen, new Evictions());
}

describe('RFC 9701', () => {
  it('has a vector for everything that can be said', () => {
    expect(vectors.length).toBeGreaterThanOrEqual(40);
    expect(new Set(vectors.map(({ id }: Vector) => id)).size).toBe(vectors.length);
    expect(JSON.stringify(jwks)).not.toMatch(/"(d|p|q|dp|dq|qi|k)":/);
  });

  it.each<[string, Vector]>(vectors.map((one: Vector) => [`${one.id} ${one.description} (${one.section})`, one]))(
    '%s',
    async (_name, one) => {
      const asked = clientOf(one).introspect(token, { audience: [audience] });
      if (one.expected.result === 'claims') {
        await expect(asked).resolves.toEqual(one.expected.claims);
      } else {
        await expect(asked).rejects.toMatchObject({ code: one.expected.code });
      }
    },
  );
});
