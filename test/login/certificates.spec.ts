import { X509Certificate } from 'node:crypto';

import { beforeAll, describe, expect, it } from '@jest/globals';
import { Agent, request } from 'undici';

import { OIDC_DISPATCHER, OidcClient } from '../../lib/index.js';
import { AUDIENCE, createApp, onBothAdapters, type Adapter } from '../support/app/apps.js';
import { Browser } from '../support/browser/browser.js';
import { clientJwks, type Members } from '../support/client/fapi-client.js';
import { closeLater } from '../support/closing.js';
import { TlsFront } from '../support/http/tls-front.js';
import { RealProvider } from '../support/provider/real-provider.js';
import { selfSigned, type Certificate } from '../support/tokens/certificates.js';

const SIGNED = { id_token_signed_response_alg: 'ES256', request_object_signing_alg: 'ES256' };
const JARM = { authorization_signed_response_alg: 'ES256' };
const HYBRID = { grant_types: ['authorization_code', 'implicit', 'client_credentials'] };

type Method = 'private_key_jwt' | 'self_signed_tls_client_auth';

let server: Certificate;
let own: Certificate;
let other: Certificate;

beforeAll(async () => {
  [server, own, other] = await Promise.all([selfSigned('server'), selfSigned('rp1'), selfSigned('other')]);
});

const agentOf = (certificate?: Certificate): Agent =>
  closeLater(
    new Agent({
      connect: { ca: server.cert, ...(certificate && { cert: certificate.cert, key: certificate.key }) },
    }),
  );

/** An application that keeps `fapi1-advanced`, and the provider: both end TLS and ask for certificates. */
async function boot(adapter: Adapter, token_endpoint_auth_method: Method, client: Members) {
  const front = await TlsFront.start(server);
  const op = closeLater(await RealProvider.start('127.0.0.1', front.url));
  op.fapi = '1.0 Final';
  front.target = op.origin;
  const keys = clientJwks('P-256').keys.map((key) => ({ ...key, alg: 'ES256', use: 'sig' }));
  const shown = {
    ...new X509Certificate(own.cert).publicKey.export({ format: 'jwk' }),
    x5c: [own.der.toString('base64')],
  };
  const app = await createApp({
    adapter,
    op,
    https: { cert: server.cert, key: server.key, requestCert: true, rejectUnauthorized: false },
    extras: { providers: [{ provide: OIDC_DISPATCHER, useValue: agentOf(own) }] },
    options: { profile: 'fapi1-advanced', resourceServer: { audience: AUDIENCE, mtls: {} } },
    client: { client_secret: undefined, jwks: { keys }, token_endpoint_auth_method, ...SIGNED, ...client },
    registered: {
      jwks: { keys: [...keys, shown] },
      grant_types: ['authorization_code', 'client_credentials', ...(client === HYBRID ? ['implicit'] : [])],
      response_types: [client === HYBRID ? 'code id_token' : 'code'],
      require_signed_request_object: true,
      tls_client_certificate_bound_access_tokens: true,
    },
  });
  const browser = new Browser(app);
  browser.trusts(server.cert);
  return { app, op, front, browser };
}

onBothAdapters((adapter) => {
  describe.each<[string, Method, Members]>([
    ['private_key_jwt and an ID token in the response', 'private_key_jwt', HYBRID],
    ['private_key_jwt and a signed response', 'private_key_jwt', JARM],
    ['self_signed_tls_client_auth and an ID token in the response', 'self_signed_tls_client_auth', HYBRID],
    ['self_signed_tls_client_auth and a signed response', 'self_signed_tls_client_auth', JARM],
  ])('fapi1-advanced with certificates at another implementation, by %s', (_what, method, client) => {
    it('B9 B11 C1 E7 E8 logs in, with the certificate shown for the tokens', async () => {
      const { app, op, front, browser } = await boot(adapter, method, client);
      const callback = await op.login(browser, { sub: 'bob', returnTo: '/me' });
      expect(callback.target).toBe(`${app.url}/me`);
      expect((await browser.get('/me')).json()).toMatchObject({ user: { sub: 'bob' } });
      expect(front.pathsWith(own)).toContain('/token');
    });

    it('E8 F8 MTLS-03 takes its own token with the certificate that it is bound to, and with no other', async () => {
      const { app } = await boot(adapter, method, client);
      const { access_token } = await app.nest.get(OidcClient).clientCredentials({ scope: 'orders:read' });
      const statusWith = async (certificate?: Certificate): Promise<number> => {
        const headers = { authorization: `Bearer ${access_token}` };
        const answer = await request(`${app.address}/orders`, { dispatcher: agentOf(certificate), headers });
        await answer.body.dump();
        return answer.statusCode;
      };
      expect([await statusWith(own), await statusWith(other), await statusWith()]).toEqual([200, 401, 401]);
    });
  });
});
