import { describe, expect, it } from '@jest/globals';

import type { OidcClient } from '../../lib/client/oidc-client.js';
import type { ClientMetadata } from '../../lib/metadata/client-metadata.js';
import { keyOf, privateJwk } from '../../lib/testing/provider/keys.js';
import { clientOf, rejection } from '../support/client/client.js';
import { startProvider } from '../support/provider/provider.js';

const without: Partial<ClientMetadata> = { client_secret: undefined };
const WHY = 'introspection needs a client that authenticates (RFC 7662, section 2.1)';

describe('what a client needs', () => {
  it.each<[string, Partial<ClientMetadata>, string]>([
    [
      'a secret that is not set',
      without,
      `client.client_secret: is undefined, like an environment variable that is not set: ${WHY}`,
    ],
    [
      'no revocation',
      { ...without, revocation_endpoint_auth_method: 'none' },
      `client.client_secret: is undefined, like an environment variable that is not set: ${WHY}`,
    ],
    [
      'none',
      { ...without, token_endpoint_auth_method: 'none' },
      `client.token_endpoint_auth_method: must not be none: ${WHY}`,
    ],
    [
      'none, there',
      { introspection_endpoint_auth_method: 'none' },
      `client.introspection_endpoint_auth_method: must not be none: ${WHY}; one that takes anybody has to be named in server.introspection_endpoint`,
    ],
  ])('to introspect is more than %s', async (_what, metadata, message) => {
    const { server } = clientOf(await startProvider(), { metadata });
    expect(() => server.needs('introspection_endpoint')).toThrow(message);
    expect(() => server.needs('token_endpoint', 'authorization_endpoint')).not.toThrow();
  });

  it.each<[string, Partial<ClientMetadata>, boolean]>([
    ['none for introspection', { introspection_endpoint_auth_method: 'none' }, true],
    ['none for introspection, and no secret', { ...without, introspection_endpoint_auth_method: 'none' }, true],
    ['none for all', { ...without, token_endpoint_auth_method: 'none' }, false],
    ['no secret', without, false],
  ])(
    'to introspect at an endpoint that is named in the options is %s: %j gives %s',
    async (_what, metadata, isGood) => {
      const op = await startProvider();
      const named = { introspection_endpoint: op.url('introspect') };
      const { oidc, server, reported } = clientOf(op, { metadata, settings: { server: named } });
      const needs = () => server.needs('introspection_endpoint');
      if (isGood) {
        expect(needs).not.toThrow();
        expect(reported).toEqual([{ kind: 'open-introspection' }]);
        op.answer('introspect', { body: { active: true } });
        expect(await oidc.introspect('token')).toEqual({ active: true });
        expect(op.last('introspect').headers.authorization).toBeUndefined();
        expect(op.last('introspect').form).toEqual({
          token: 'token',
          token_type_hint: 'access_token',
          client_id: 'rp1',
        });
      } else {
        expect(needs).toThrow(expect.objectContaining({ name: 'ConfigError' }));
        expect(reported).toEqual([]);
      }
    },
  );

  it('to introspect is a secret or a key', async () => {
    const op = await startProvider();
    const jwks = { keys: [privateJwk(keyOf('P-256'))] } as ClientMetadata['jwks'];
    for (const metadata of [{}, { ...without, jwks }]) {
      expect(() => clientOf(op, { metadata }).server.needs('introspection_endpoint')).not.toThrow();
    }
  });
});

describe('a server that does not accept the client', () => {
  const refused = { status: 401, body: { error: 'invalid_client' } };

  it.each<[string, 'token' | 'introspect' | 'revoke', (oidc: ReturnType<typeof clientOf>['oidc']) => Promise<unknown>]>(
    [
      ['token_endpoint', 'token', (oidc) => oidc.clientCredentials()],
      ['introspection_endpoint', 'introspect', (oidc) => oidc.introspect('token')],
      ['revocation_endpoint', 'revoke', (oidc) => oidc.revoke('token')],
    ],
  )('says so at its %s', async (endpoint, path, call) => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    op.answer(path, refused);
    expect(await rejection(call(oidc))).toMatchObject({
      code: 'CLIENT_MISCONFIGURED',
      message: `The server's ${endpoint} does not accept this client as it is configured: invalid_client.`,
    });
  });
});

describe('a token that is no text', () => {
  const calls: [string, (oidc: OidcClient, token: never) => Promise<unknown>][] = [
    ['introspect', (oidc, token) => oidc.introspect(token)],
    ['revoke', (oidc, token) => oidc.revoke(token)],
    ['forget', (oidc, token) => oidc.forget(token)],
    // A token response is taken as well, and that there is none is told in other words.
    ['refresh', (oidc, token) => oidc.refresh(typeof (token ?? {}) === 'object' ? ('' as never) : token)],
    ['verifyAccessToken', (oidc, token) => oidc.verifyAccessToken(token)],
  ];

  it.each(calls)('is refused in clear words by %s', async (_what, call) => {
    const op = await startProvider();
    const { oidc, evictions } = clientOf(op);
    const told: unknown[] = [];
    evictions.join({ evictToken: (token) => void told.push(token), evictSigned: () => void told.push('keys') });
    for (const token of [{ value: 'a' }, undefined, null, 7, '']) {
      expect(await rejection(call(oidc, token as never))).toMatchObject({
        name: 'ConfigError',
        message: 'token: must be a token as text, such as the value of a VerifiedAccessToken',
      });
    }
    expect([op.count(), told]).toEqual([0, []]);
  });

  it('is another thing than keys to forget', async () => {
    const { oidc, evictions } = clientOf(await startProvider());
    const told: string[] = [];
    evictions.join({ evictToken: (token) => void told.push(token), evictSigned: () => void told.push('the keys') });
    await oidc.forget('a');
    oidc.forgetKeys();
    await oidc.revoke('b');
    expect(told).toEqual(['a', 'the keys', 'b']);
  });
});
