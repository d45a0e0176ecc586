import { describe, expect, it } from '@jest/globals';

import type { Fault } from '../../lib/testing/http-faults.js';
import { clientOf, rejection } from '../support/client/client.js';
import { keysAt, signedBy } from '../support/client/remote-keys.js';
import type { Members } from '../support/provider/hostile-provider.js';
import { startProvider } from '../support/provider/provider.js';

describe('a token response', () => {
  const tokensOf = async (members: Members) => {
    const op = await startProvider();
    op.tokenResponse((body) => ({ ...body, ...members }));
    return clientOf(op).oidc.clientCredentials({ scope: 'a' });
  };

  it.each<[string, unknown, number | undefined]>([
    ['in digits', '3599', 1_800_003_599],
    ['with a fraction', 3599.9, 1_800_003_599],
    ['that is none', null, undefined],
    ['of no second', 0, 1_800_000_000],
    ['of less than a second', 0.5, 1_800_000_000],
    ['of less than nothing', -3600, 1_800_000_000],
  ])('TOK-11 with an expires_in %s', async (_what, expires_in, expected) => {
    expect((await tokensOf({ expires_in })).expires_at).toBe(expected);
  });

  it.each<[string, Members, string]>([
    ['a list of scopes', { scope: ['a', 'b'] }, 'a b'],
    ['a list of no scope', { scope: [] }, ''],
    ['null for the scope', { scope: null }, 'a'],
  ])('with %s', async (_what, members, scope) => {
    expect((await tokensOf({ ...members, refresh_token: null, id_token: null })).scope).toBe(scope);
  });
});

describe('the server’s metadata', () => {
  it('lacks what is null', async () => {
    const op = await startProvider();
    op.discovery((document) => ({
      ...document,
      end_session_endpoint: null,
      userinfo_signing_alg_values_supported: null,
      authorization_response_iss_parameter_supported: null,
      mtls_endpoint_aliases: { token_endpoint: null },
      of_its_own: null,
    }));
    const { oidc } = clientOf(op);
    const metadata = await oidc.serverMetadata();
    expect(Object.keys(metadata)).not.toContain('end_session_endpoint');
    expect(metadata.mtls_endpoint_aliases).toEqual({});
    expect(metadata['of_its_own']).toBeNull();
    expect(await oidc.endSessionUrl()).toBeUndefined();
  });

  it.each(['token', 'introspection', 'revocation'])(
    'says nothing with an empty list of methods: %s',
    async (endpoint) => {
      const op = await startProvider();
      op.discovery((document) => ({ ...document, [`${endpoint}_endpoint_auth_methods_supported`]: [] }));
      const { oidc, server } = clientOf(op);
      server.needs('token_endpoint', 'introspection_endpoint', 'revocation_endpoint');
      await oidc.ready();
    },
  );

  it('is not taken with null for its issuer', async () => {
    const op = await startProvider();
    op.discovery((document) => ({ ...document, issuer: null }));
    expect(await rejection(clientOf(op).oidc.serverMetadata())).toMatchObject({ code: 'INVALID_SERVER_METADATA' });
  });
});

const as =
  (contentType: string): Fault =>
  async (_request, next) => ({ headers: { 'content-type': contentType }, body: JSON.stringify((await next()).body) });

describe.each(['text/plain; charset=utf-8', 'application/octet-stream'])('a document as %s', (type) => {
  it('is taken for the metadata and the keys', async () => {
    const op = await startProvider();
    op.answer('discovery', as(type));
    op.answer('jwks', as(type));
    expect((await clientOf(op).oidc.serverMetadata()).issuer).toBe(op.issuer);
    expect(await keysAt(op).outcome(signedBy(op.key('ES256'), 'ES256'))).toBe('verified');
  });
});

it('a published key with null for what it does not say is used, and a private one is not', async () => {
  const op = await startProvider();
  const keys = keysAt(op);
  op.jwks(({ keys: published }) => ({
    keys: published.map((jwk) => ({ ...jwk, use: null, key_ops: null, alg: null, d: null })),
  }));
  expect(await keys.outcome(signedBy(op.key('ES256'), 'ES256'))).toBe('verified');
  expect(keys.warnings).toEqual([]);
});
