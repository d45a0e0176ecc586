import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';

import { expect, it } from '@jest/globals';
import { Agent } from 'undici';

import type { OidcClient } from '../../lib/client/oidc-client.js';
import { Connections } from '../../lib/http/connections.js';
import { Transport } from '../../lib/http/transport.js';
import type { ClientMetadata } from '../../lib/metadata/client-metadata.js';
import { clientOf, rejection } from '../support/client/client.js';
import { closeLater } from '../support/closing.js';
import { LIMITS } from '../support/http/limits.js';
import { startProvider } from '../support/provider/provider.js';
import { selfSigned } from '../support/tokens/certificates.js';

/** What a server publishes that takes certificates. */
const METHODS = ['client_secret_basic', 'tls_client_auth', 'self_signed_tls_client_auth', 'none'];
const PUBLISHED = {
  token_endpoint_auth_methods_supported: METHODS,
  introspection_endpoint_auth_methods_supported: METHODS,
  revocation_endpoint_auth_methods_supported: METHODS,
};

const setUp = async (metadata: Partial<ClientMetadata>, endpoints: object = {}) => {
  const op = await startProvider();
  const aliases = { introspection_endpoint: `${op.issuer}/mtls/introspect`, token_endpoint: `${op.issuer}/mtls/token` };
  op.discovery((document) => ({ ...document, ...PUBLISHED, mtls_endpoint_aliases: aliases }));
  return { op, ...clientOf(op, { metadata, settings: { server: endpoints } }) };
};

it.each<Partial<ClientMetadata>>([
  { use_mtls_endpoint_aliases: true },
  { tls_client_certificate_bound_access_tokens: true },
  { client_secret: undefined as never, token_endpoint_auth_method: 'tls_client_auth' },
  { client_secret: undefined as never, introspection_endpoint_auth_method: 'self_signed_tls_client_auth' },
])('MTLS-14 %j calls the aliases', async (metadata) => {
  const { op, oidc } = await setUp(metadata);
  await rejection(oidc.introspect('token'));
  expect(op.requests().map(({ path }) => path)).toContain('/mtls/introspect');
});

it.each<[string, (oidc: OidcClient) => Promise<unknown>]>([
  ['token', (oidc) => oidc.clientCredentials()],
  ['revocation', (oidc) => oidc.revoke('token')],
  ['userinfo', (oidc) => oidc.userinfo('token', 'alice')],
])('MTLS-14 calls the alias of the %s endpoint', async (name, call) => {
  const op = await startProvider();
  const mtls_endpoint_aliases = { [`${name}_endpoint`]: `${op.issuer}/mtls/${name}` };
  op.discovery((document) => ({ ...document, mtls_endpoint_aliases }));
  const { oidc } = clientOf(op, { metadata: { use_mtls_endpoint_aliases: true } });
  await rejection(call(oidc));
  expect(op.requests().map(({ path }) => path)).toEqual(['/.well-known/openid-configuration', `/mtls/${name}`]);
});

it('MTLS-14 without, the usual endpoints; and those for which there is no alias; and what the application names', async () => {
  const usual = await setUp({});
  await usual.oidc.introspect(usual.op.issue());
  expect(usual.op.count('introspect')).toBe(1);
  const { op, oidc } = await setUp({ use_mtls_endpoint_aliases: true });
  await oidc.revoke(op.issue());
  expect(op.count('revoke')).toBe(1);
  const own = await startProvider();
  const named = await setUp({ use_mtls_endpoint_aliases: true }, { introspection_endpoint: own.url('introspect') });
  await rejection(named.oidc.introspect('token'));
  expect(own.count('introspect')).toBe(1);
});

it('an alias obeys the rule for every URL', async () => {
  const op = await startProvider();
  op.discovery((document) => ({ ...document, mtls_endpoint_aliases: { token_endpoint: 'http://evil.test/token' } }));
  const { oidc } = clientOf(op);
  expect(await rejection(oidc.serverMetadata())).toMatchObject({ code: 'INVALID_SERVER_METADATA' });
});

it('RFC 8705 a certificate is all that the client authenticates with', async () => {
  const [server, certificate] = await Promise.all([selfSigned('server'), selfSigned('rp1')]);
  const seen: { body: string; fingerprint: string; authorization: string | undefined }[] = [];
  const endpoint = createServer(
    { cert: server.cert, key: server.key, requestCert: true, rejectUnauthorized: false },
    async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      const { raw } = (request.socket as TLSSocket).getPeerCertificate();
      seen.push({ body, fingerprint: raw.toString('base64'), authorization: request.headers.authorization });
      response.setHeader('content-type', 'application/json').end('{"active":false}');
    },
  ).listen(0, '127.0.0.1');
  await once(endpoint, 'listening');
  closeLater({ close: async () => endpoint.close() });
  const { port } = endpoint.address() as AddressInfo;
  const dispatcher = closeLater(
    new Agent({ connect: { ca: server.cert, cert: certificate.cert, key: certificate.key } }),
  );
  const op = await startProvider();
  op.discovery((document) => ({
    ...document,
    ...PUBLISHED,
    mtls_endpoint_aliases: { introspection_endpoint: `https://127.0.0.1:${port}/introspect` },
  }));
  const { oidc } = clientOf(op, {
    metadata: { client_secret: undefined as never, token_endpoint_auth_method: 'self_signed_tls_client_auth' },
    settings: { transport: new Transport(new Connections(LIMITS, op.clock.now, { dispatcher })) },
  });
  expect(await oidc.introspect('the-token')).toEqual({ active: false });
  expect(seen).toEqual([
    {
      body: 'token=the-token&token_type_hint=access_token&client_id=rp1',
      fingerprint: certificate.der.toString('base64'),
      authorization: undefined,
    },
  ]);
});
