import { X509Certificate } from 'node:crypto';

import { describe, expect, it } from '@jest/globals';
import { Agent } from 'undici';

import { Connections } from '../../lib/http/connections.js';
import { Transport } from '../../lib/http/transport.js';
import type { ClientMetadata } from '../../lib/metadata/client-metadata.js';
import { decodeJwt, keyOf, privateJwk } from '../../lib/testing/provider/keys.js';
import { clientOf, loginWith, rejection } from '../support/client/client.js';
import { closeLater } from '../support/closing.js';
import { Api } from '../support/http/api.js';
import { LIMITS } from '../support/http/limits.js';
import { TlsFront } from '../support/http/tls-front.js';
import { startProvider } from '../support/provider/provider.js';
import { RealProvider } from '../support/provider/real-provider.js';
import { selfSigned, type Certificate } from '../support/tokens/certificates.js';

const METHODS = ['private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth', 'none'];

const PRIVATE_KEY_JWT = {
  client_secret: undefined,
  token_endpoint_auth_method: 'private_key_jwt',
  jwks: { keys: [privateJwk(keyOf('P-256', 'client'))] },
  tls_client_certificate_bound_access_tokens: true,
} as unknown as Partial<ClientMetadata>;

/** A provider whose usual host asks for no certificate, and one for certificates; an API; a client that has a certificate. */
async function setUp(metadata: Partial<ClientMetadata>, registered: Readonly<Record<string, unknown>> = {}) {
  const [server, certificate] = await Promise.all([selfSigned('server'), selfSigned('rp1')]);
  const usual = await TlsFront.start(server, { asksForCertificate: false });
  const [mtls, apiFront] = [await TlsFront.start(server), await TlsFront.start(server)];
  const op = await startProvider({ publicOrigin: usual.url });
  const api = await Api.start();
  [usual.target, mtls.target, apiFront.target] = [op.origin, op.origin, api.url];
  op.discovery((document) => ({
    ...document,
    token_endpoint_auth_methods_supported: METHODS,
    introspection_endpoint_auth_methods_supported: METHODS,
    revocation_endpoint_auth_methods_supported: METHODS,
    mtls_endpoint_aliases: Object.fromEntries(
      ['token', 'userinfo', 'introspection', 'revocation'].map((name) => [
        `${name}_endpoint`,
        `${mtls.url}/${{ introspection: 'introspect', revocation: 'revoke' }[name] ?? name}`,
      ]),
    ),
  }));
  const dispatcher = closeLater(
    new Agent({ connect: { ca: server.cert, cert: certificate.cert, key: certificate.key } }),
  );
  const transport = new Transport(closeLater(new Connections(LIMITS, op.clock.now, { dispatcher })));
  const { oidc } = clientOf(op, { metadata, registered, settings: { transport } });
  return { op, oidc, usual, mtls, api, apiFront, certificate };
}

describe('RFC 8705 over real TLS', () => {
  it('A12 E8 F8 the certificate is shown at the aliases of token and userinfo, and at the API', async () => {
    const { op, oidc, usual, mtls, api, apiFront, certificate } = await setUp(PRIVATE_KEY_JWT);
    const { tokens } = await loginWith(oidc, op, { callback: { userinfo: true } });
    const answer = await oidc.fetch(`${apiFront.url}/orders`, { method: 'POST', body: 'x' }, tokens);
    expect([answer.status, api.last.headers.authorization]).toEqual([200, `Bearer ${tokens.access_token}`]);
    const token = String(tokens.access_token);
    await oidc.introspect(token);
    await oidc.revoke(token);
    expect(mtls.pathsWith(certificate)).toEqual(['/token', '/userinfo', '/introspect', '/revoke']);
    expect(apiFront.pathsWith(certificate)).toEqual(['/orders']);
    expect(mtls.calls).toHaveLength(4);
    expect(usual.calls.map(({ path, certificate: shown }) => [path, shown])).toEqual([
      ['/.well-known/openid-configuration', undefined],
      ['/jwks', undefined],
    ]);
    const assertion = decodeJwt(String(op.last('token').form['client_assertion']));
    expect(assertion.claims).toMatchObject({ iss: 'rp1', sub: 'rp1', aud: op.issuer });
  });

  it('F19 the connection is TLS 1.2 or later', async () => {
    const { op, oidc, usual, mtls } = await setUp(PRIVATE_KEY_JWT);
    await loginWith(oidc, op);
    const protocols = [...usual.calls, ...mtls.calls].map(({ protocol }) => protocol);
    expect(protocols).toHaveLength(3);
    expect(protocols.every((protocol) => protocol === 'TLSv1.3' || protocol === 'TLSv1.2')).toBe(true);
  });

  it.each(['tls_client_auth', 'self_signed_tls_client_auth'] as const)(
    'E7 with %s the certificate and client_id are all that authenticate',
    async (token_endpoint_auth_method) => {
      const metadata = { client_secret: undefined as never, token_endpoint_auth_method };
      // The test provider looks at no certificate.
      const { op, oidc, mtls, certificate } = await setUp(metadata, { token_endpoint_auth_method: 'none' });
      await loginWith(oidc, op);
      expect(mtls.pathsWith(certificate)).toEqual(['/token']);
      const { form, headers } = op.last('token');
      expect(Object.keys(form).toSorted()).toEqual([
        'client_id',
        'code',
        'code_verifier',
        'grant_type',
        'redirect_uri',
      ]);
      expect([form['client_id'], headers.authorization]).toEqual(['rp1', undefined]);
    },
  );

  it('F9 with DPoP in place of a certificate the usual endpoints are called', async () => {
    const { op, oidc, usual, mtls, api, apiFront } = await setUp({
      ...PRIVATE_KEY_JWT,
      tls_client_certificate_bound_access_tokens: undefined,
      dpop_bound_access_tokens: true,
    });
    const { tokens } = await loginWith(oidc, op, { callback: { userinfo: true } });
    await oidc.fetch(`${apiFront.url}/orders`, {}, tokens);
    expect(mtls.calls).toEqual([]);
    expect(usual.calls.map(({ path }) => path)).toEqual([
      '/.well-known/openid-configuration',
      '/token',
      '/jwks',
      '/userinfo',
    ]);
    expect(decodeJwt(String(api.last.headers['dpop'])).claims).toMatchObject({ htu: `${apiFront.url}/orders` });
  });

  it('a server whose certificate is not trusted gets no token', async () => {
    const { op, oidc } = await setUp(PRIVATE_KEY_JWT);
    const { tokens } = await loginWith(oidc, op);
    const stranger = await TlsFront.start(await selfSigned('stranger'));
    expect(await rejection(oidc.fetch(`${stranger.url}/orders`, {}, tokens))).toMatchObject({ code: 'TLS_ERROR' });
    expect(stranger.calls).toEqual([]);
  });
});

describe('oidc-provider over real TLS', () => {
  const atRealProvider = async (
    metadata: Partial<ClientMetadata>,
    registered: (certificate: Certificate) => Readonly<Record<string, unknown>> = () => ({}),
  ) => {
    const [server, certificate] = await Promise.all([selfSigned('server'), selfSigned('rp1')]);
    const front = await TlsFront.start(server);
    const op = closeLater(await RealProvider.start('127.0.0.1', front.url));
    front.target = op.origin;
    const client = {
      client_secret: undefined as never,
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: undefined as never,
      ...metadata,
    };
    const clientWith = ({ cert, key }: Certificate) => {
      const dispatcher = closeLater(new Agent({ connect: { ca: server.cert, cert, key } }));
      const transport = new Transport(closeLater(new Connections(LIMITS, op.clock.now, { dispatcher })));
      const settings = {
        settings: { transport },
        metadata: client,
        registered: { redirect_uris: [], ...registered(certificate) },
      };
      return clientOf(op as never, settings).oidc;
    };
    return { front, certificate, clientWith };
  };

  it('E7 a client with a self-signed certificate is known by it, and no other', async () => {
    const { front, certificate, clientWith } = await atRealProvider(
      { token_endpoint_auth_method: 'self_signed_tls_client_auth', tls_client_certificate_bound_access_tokens: true },
      ({ cert, der }) => {
        const jwk = new X509Certificate(cert).publicKey.export({ format: 'jwk' });
        return { jwks: { keys: [{ ...jwk, x5c: [der.toString('base64')] }] } };
      },
    );
    const oidc = clientWith(certificate);
    const { access_token } = await oidc.clientCredentials({ scope: 'orders:read' });
    expect(await oidc.introspect(access_token)).toMatchObject({
      active: true,
      cnf: { 'x5t#S256': certificate.thumbprint },
    });
    expect(front.pathsWith(certificate)).toContain('/token');
    const stranger = clientWith(await selfSigned('rp1'));
    expect(await rejection(stranger.clientCredentials())).toMatchObject({ code: 'CLIENT_MISCONFIGURED' });
  });

  it('E8 tokens of private_key_jwt are bound to the certificate', async () => {
    const { certificate, clientWith } = await atRealProvider(PRIVATE_KEY_JWT);
    const oidc = clientWith(certificate);
    const { access_token, token_type } = await oidc.clientCredentials({ scope: 'orders:read' });
    expect(token_type).toBe('Bearer');
    expect(await oidc.introspect(access_token)).toMatchObject({ cnf: { 'x5t#S256': certificate.thumbprint } });
  });
});
