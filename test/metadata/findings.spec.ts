import { expect, it } from '@jest/globals';

import { Server } from '../../lib/authorization-server/server.js';
import { Clock } from '../../lib/clock/clock.js';
import { Connections } from '../../lib/http/connections.js';
import { Transport } from '../../lib/http/transport.js';
import { clockTolerance, type ClientMetadata } from '../../lib/metadata/client-metadata.js';
import { clientFindings, parseClientMetadata } from '../../lib/metadata/registered-client.js';
import { closeLater } from '../support/closing.js';
import { LIMITS } from '../support/http/limits.js';
import { startProvider } from '../support/provider/provider.js';

const client = (members: object): ClientMetadata => ({ client_id: 'rp1', ...members });

it('finds nothing in a registration that is good', () => {
  expect(clientFindings(client({ client_secret: 's'.repeat(32) }))).toEqual([]);
});

it('finds all that is wrong with the values, each with its rule', () => {
  const wrong = client({
    client_id: '',
    redirect_uris: [],
    scope: 'a  b',
    introspection_encrypted_response_alg: 'RSA1_5',
    introspection_encrypted_response_enc: 'A512GCM',
    [clockTolerance]: 301,
  });
  expect(clientFindings(wrong)).toEqual([
    {
      member: 'client.client_id',
      problem: 'must be printable ASCII and not empty',
      rule: 'RFC 7591, section 2',
      code: 'INVALID_CONFIG',
    },
    {
      member: 'client.redirect_uris',
      problem: 'must name at least one URI',
      rule: 'RFC 7591, section 2',
      code: 'INVALID_CONFIG',
    },
    {
      member: 'client.scope',
      problem: 'must be scopes with one space between them',
      rule: 'RFC 7591, section 2',
      code: 'INVALID_CONFIG',
    },
    {
      member: 'client.introspection_encrypted_response_alg',
      problem: 'must be a key management algorithm that is supported; RSA1_5 and PBES2 never are',
      rule: 'RFC 7591, section 2',
      code: 'INVALID_CONFIG',
    },
    {
      member: 'client.introspection_encrypted_response_enc',
      problem: 'must be a content encryption algorithm that is supported',
      rule: 'RFC 7591, section 2',
      code: 'INVALID_CONFIG',
    },
    {
      member: 'client[clockTolerance]',
      problem: 'must be 0 to 300 seconds',
      rule: 'nestjs-oidc, client metadata',
      code: 'INVALID_CONFIG',
    },
  ]);
});

it('finds all members that do not fit each other', () => {
  const wrong = client({
    client_secret: 'short',
    jwks: { keys: [{ kty: 'EC', crv: 'P-256', d: 'AA' }] },
    token_endpoint_auth_method: 'client_secret_jwt',
    token_endpoint_auth_signing_alg: 'HS512',
    introspection_endpoint_auth_method: 'private_key_jwt',
    id_token_signed_response_alg: 'HS256',
  });
  expect(clientFindings(wrong).map(({ member, problem, rule }) => `${member}: ${problem} (${rule})`)).toEqual([
    'client.jwks: holds a private key that can not be read or is too short (RFC 7517, section 4)',
    'client.jwks: holds no private key for introspection_endpoint_auth_method private_key_jwt (OpenID Connect Core 1.0, section 9)',
    'client.token_endpoint_auth_signing_alg: does not fit private_key_jwt (OpenID Connect Core 1.0, section 9)',
    'client.id_token_signed_response_alg: needs a client_secret of 32 bytes or more (RFC 7518, section 3.2)',
    'client.token_endpoint_auth_signing_alg: needs a client_secret of 64 bytes or more (RFC 7518, section 3.2)',
  ]);
});

it('stops the boot with the first', () => {
  const wrong = client({ redirect_uris: [], scope: 'a  b' });
  expect(() => parseClientMetadata(wrong)).toThrow('client.redirect_uris: must name at least one URI');
});

it('finds all in which the registration does not fit the server', async () => {
  const op = await startProvider();
  op.discovery(({ revocation_endpoint: _, ...document }) => ({
    ...document,
    token_endpoint_auth_methods_supported: ['private_key_jwt'],
    id_token_signing_alg_values_supported: ['RS256'],
    introspection_signing_alg_values_supported: ['RS256'],
    dpop_signing_alg_values_supported: ['ES256K'],
  }));
  const registered = client({
    client_secret: 's'.repeat(32),
    id_token_signed_response_alg: 'ES256',
    introspection_signed_response_alg: 'ES256',
    dpop_bound_access_tokens: true,
  });
  const server = new Server(
    parseClientMetadata(registered),
    { issuer: op.issuer, insecureHttp: false, document: 'openid-configuration', overrides: {} },
    new Transport(closeLater(new Connections(LIMITS, op.clock.now))),
    new Clock(op.clock.now, 0, 30),
    { report: () => {} },
  );
  server.needs('authorization_endpoint', 'token_endpoint', 'revocation_endpoint');
  expect(await server.findings()).toEqual([
    {
      member: 'client.id_token_signed_response_alg',
      problem: 'is not among the algorithms of the server',
      rule: 'OpenID Connect Dynamic Client Registration 1.0, section 2',
      code: 'INVALID_CONFIG',
    },
    {
      member: 'client.introspection_signed_response_alg',
      problem: 'is not among the algorithms of the server',
      rule: 'RFC 9701, section 6',
      code: 'INVALID_CONFIG',
    },
    {
      member: 'client.dpop_bound_access_tokens',
      problem: 'can not be kept: the server takes no algorithm of proofs that is built',
      rule: 'RFC 9449, section 5.1',
      code: 'INVALID_CONFIG',
    },
    {
      member: 'client.token_endpoint_auth_method',
      problem: 'is not among the methods of the server',
      rule: 'RFC 8414, section 2',
      code: 'AUTH_METHOD_UNSUPPORTED',
    },
    {
      member: 'server.revocation_endpoint',
      problem: 'is not published by the server',
      rule: 'RFC 8414, section 2',
      code: 'ENDPOINT_MISSING',
    },
  ]);
});

it.each<[string, object, string]>([
  [
    'no endpoint for pings',
    { backchannel_token_delivery_mode: 'ping' },
    'client.backchannel_client_notification_endpoint',
  ],
  [
    'no endpoint for pushes',
    { backchannel_token_delivery_mode: 'push' },
    'client.backchannel_client_notification_endpoint',
  ],
  ['no such mode', { backchannel_token_delivery_mode: 'pull' }, 'client.backchannel_token_delivery_mode'],
  [
    'an endpoint that is a path',
    { backchannel_client_notification_endpoint: '/notification' },
    'client.backchannel_client_notification_endpoint',
  ],
  ['no key to sign with', { backchannel_authentication_request_signing_alg: 'PS256' }, 'client.jwks'],
  [
    'a secret to sign with',
    { backchannel_authentication_request_signing_alg: 'HS256' },
    'client.backchannel_authentication_request_signing_alg',
  ],
  ['a user code of text', { backchannel_user_code_parameter: 'true' }, 'client.backchannel_user_code_parameter'],
  [
    'a push of tokens that are bound to a key',
    {
      backchannel_token_delivery_mode: 'push',
      backchannel_client_notification_endpoint: 'https://app.test/auth/backchannel-notification',
      dpop_bound_access_tokens: true,
    },
    'client.backchannel_token_delivery_mode',
  ],
  [
    'a push whose ID token nobody signs',
    {
      backchannel_token_delivery_mode: 'push',
      backchannel_client_notification_endpoint: 'https://app.test/auth/backchannel-notification',
      id_token_signed_response_alg: 'none',
    },
    'client.id_token_signed_response_alg',
  ],
])('finds a registration for CIBA with %s', (_what, members, member) => {
  const found = clientFindings(client({ client_secret: 's'.repeat(32), ...members }));
  expect(found).toEqual([expect.objectContaining({ member, code: 'INVALID_CONFIG' })]);
});
