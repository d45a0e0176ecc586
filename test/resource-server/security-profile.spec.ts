import { beforeAll, describe, expect, it } from '@jest/globals';

import { OIDC_CLOCK_TOLERANCE } from '../../lib/index.js';
import { keyOf, privateJwk } from '../../lib/testing/provider/keys.js';
import { OrdersController } from '../support/app/app-controllers.js';
import { createApp, onBothAdapters, type TestApp } from '../support/app/apps.js';
import { challengesOf, expectBadProof, expectBadToken, expectRefused } from '../support/app/outcomes.js';
import type { HostileProvider } from '../support/provider/hostile-provider.js';
import { startProvider } from '../support/provider/provider.js';
import { jwtAccessToken } from '../support/tokens/access-token.js';
import { selfSigned, type Certificate } from '../support/tokens/certificates.js';
import { dpopKey, dpopProof, type DpopKey } from '../support/tokens/dpop.js';

const RESOURCE = 'https://api.test';
const PROXY = { header: 'client-cert', trusted: ['127.0.0.1'] };

let certificate: Certificate;

beforeAll(async () => {
  certificate = await selfSigned('client');
});

onBothAdapters((adapter) => {
  const boot = (
    resourceServer: object = {},
    profile: 'fapi2-security' | 'fapi1-advanced' = 'fapi2-security',
    { op, tolerance }: { op?: HostileProvider; tolerance?: number } = {},
  ) =>
    createApp({
      adapter,
      ...(op && { op }),
      ...(tolerance !== undefined && {
        extras: { providers: [{ provide: OIDC_CLOCK_TOLERANCE, useValue: tolerance }] },
      }),
      options: {
        profile,
        discovery: { when: 'boot' },
        session: undefined,
        resourceServer: { audience: RESOURCE, resource: RESOURCE, validation: 'jwt', ...resourceServer },
      },
      controllers: [OrdersController],
      client: {
        client_secret: undefined,
        redirect_uris: undefined,
        post_logout_redirect_uris: undefined,
        jwks: { keys: [JSON.parse(JSON.stringify(privateJwk(keyOf('P-256', 'client'))))] },
      },
    });
  const withProof = (
    app: TestApp,
    key: DpopKey,
    token = jwtAccessToken(app.op, { claims: { cnf: { jkt: key.jkt } } }),
  ) =>
    app.get('/orders', {
      authorization: `DPoP ${token}`,
      dpop: dpopProof(key, { url: `${RESOURCE}/orders`, accessToken: token }),
    });
  const withCertificate = (app: TestApp, token: string) =>
    app.call('/orders', token, { headers: { 'client-cert': `:${certificate.der.toString('base64')}:` } });
  const boundToCertificate = (app: TestApp) =>
    jwtAccessToken(app.op, { claims: { cnf: { 'x5t#S256': certificate.thumbprint } } });

  describe('an API that keeps fapi2-security', () => {
    it('R1 takes a token with a proof of its key, and R19 no bearer token', async () => {
      const app = await boot();
      expect((await withProof(app, dpopKey())).status).toBe(200);
      const response = await app.call('/orders', jwtAccessToken(app.op));
      expectRefused(app, response, 401, 'TOKEN_BINDING');
      expect(challengesOf(response)).toEqual({ DPoP: expect.objectContaining({ algs: 'PS256 ES256 EdDSA Ed25519' }) });
    });

    it('takes a token that is bound to a key or to a certificate, and no other', async () => {
      const app = await boot({ dpop: {}, mtls: { proxy: PROXY } });
      expect((await withProof(app, dpopKey())).status).toBe(200);
      expect((await withCertificate(app, boundToCertificate(app))).status).toBe(200);
      expectBadToken(app, await withCertificate(app, jwtAccessToken(app.op)), 'TOKEN_BINDING');
      expectBadToken(app, await app.call('/orders', jwtAccessToken(app.op)), 'TOKEN_BINDING');
    });

    it.each(['PS256', 'ES256', 'EdDSA'])('R8 takes proofs with %s', async (alg) => {
      expect((await withProof(await boot(), dpopKey(alg))).status).toBe(200);
    });

    it.each(['RS256', 'ES384', 'PS512'])('R8 takes no proofs with %s', async (alg) => {
      const app = await boot();
      expectBadProof(app, await withProof(app, dpopKey(alg)));
    });

    it.each(['RS256', 'ES512'])('takes no token that is signed with %s', async (alg) => {
      const app = await boot();
      const key = dpopKey();
      const token = jwtAccessToken(app.op, { alg, claims: { cnf: { jkt: key.jkt } } });
      expectRefused(app, await withProof(app, key, token), 401, 'TOKEN_INVALID');
    });
  });

  describe('the clock of fapi2-security', () => {
    it.each([9, 61])('is not one with a tolerance of %d seconds', async (tolerance) => {
      await expect(boot({}, 'fapi2-security', { tolerance })).rejects.toThrow(
        'OIDC_CLOCK_TOLERANCE: must be 10 to 60 seconds ' +
          '(fapi2-security, clock offsets: FAPI 2.0 Security Profile, section 5.3.2.1, item 13)',
      );
    });

    it('may be another one in FAPI 1.0', async () => {
      await boot({ mtls: {} }, 'fapi1-advanced', { tolerance: 9 });
    });

    it.each([
      [10, 'iat'],
      [10, 'nbf'],
      [60, 'iat'],
      [60, 'nbf'],
    ])(
      'with a tolerance of %d seconds takes a token whose %s is 10 seconds ahead, and none of 61',
      async (tolerance, claim) => {
        const app = await boot({}, 'fapi2-security', { tolerance });
        const key = dpopKey();
        const tokenOf = (ahead: number) =>
          jwtAccessToken(app.op, { claims: { cnf: { jkt: key.jkt }, [claim]: app.op.clock.seconds + ahead } });
        expect((await withProof(app, key, tokenOf(10))).status).toBe(200);
        expectRefused(app, await withProof(app, key, tokenOf(61)), 401, 'TOKEN_NOT_YET_VALID');
      },
    );
  });

  it('stops the boot where the server does not keep the profile', async () => {
    const op = await startProvider();
    op.discovery((document) => ({ ...document, token_endpoint_auth_signing_alg_values_supported: ['RS256'] }));
    await expect(boot({}, 'fapi2-security', { op })).rejects.toThrow(
      'server.token_endpoint_auth_signing_alg_values_supported: does not hold PS256, ES256, EdDSA or Ed25519 ' +
        '(fapi2-security, algorithms: FAPI 2.0 Security Profile, section 5.4.1, item 1)',
    );
  });

  describe('an API that keeps fapi1-advanced', () => {
    it('takes tokens that are bound to a certificate, and no proofs', async () => {
      const app = await boot({ mtls: { proxy: PROXY } }, 'fapi1-advanced');
      expect((await withCertificate(app, boundToCertificate(app))).status).toBe(200);
      expectBadToken(app, await withCertificate(app, jwtAccessToken(app.op)), 'TOKEN_BINDING');
      const response = await withProof(app, dpopKey());
      expect(response.status).toBe(401);
      expect(app.handledByLast).toEqual([]);
    });
  });
});
