import { beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Agent, request } from 'undici';

import { ClientCertificates } from '../../../lib/resource-server/sender-constraint/client-certificate.js';
import { createApp, onBothAdapters, type TestApp } from '../../support/app/apps.js';
import { expectBadToken } from '../../support/app/outcomes.js';
import { closeLater } from '../../support/closing.js';
import { jwtAccessToken } from '../../support/tokens/access-token.js';
import { selfSigned, type Certificate } from '../../support/tokens/certificates.js';

let own: Certificate;
let other: Certificate;
let expired: Certificate;
let server: Certificate;

beforeAll(async () => {
  [own, other, expired, server] = await Promise.all([
    selfSigned('own'),
    selfSigned('other'),
    selfSigned('expired', { from: -3, until: -1 }),
    selfSigned('server'),
  ]);
});

const cnf = ({ thumbprint }: Certificate) => ({ 'x5t#S256': thumbprint });

onBothAdapters((adapter) => {
  describe('over TLS', () => {
    const boot = (mtls: object = {}) =>
      createApp({
        adapter,
        options: { resourceServer: { audience: 'https://api.test', mtls } },
        https: { cert: server.cert, key: server.key, requestCert: true, rejectUnauthorized: false },
      });

    const call = async (app: TestApp, token: string, certificate?: Certificate, headers: object = {}) => {
      const agent = closeLater(
        new Agent({
          connect: { ca: server.cert, ...(certificate && { cert: certificate.cert, key: certificate.key }) },
        }),
      );
      const options = { dispatcher: agent, headers: { authorization: `Bearer ${token}`, ...headers } };
      const { statusCode, headers: answered, body } = await request(`${app.address}/orders`, options);
      const { TestResponse } = await import('../../support/app/test-response.js');
      return TestResponse.of(statusCode, answered, await body.text());
    };

    it('MTLS-01 a token is good with the certificate that it is bound to', async () => {
      const app = await boot();
      expect((await call(app, app.op.issue({ cnf: cnf(own) }), own)).status).toBe(200);
    });

    it('MTLS-04 without a certificate nobody is asked, where one is required', async () => {
      const app = await boot({ required: true });
      expectBadToken(app, await call(app, 'unknown'), 'TOKEN_BINDING');
      expect(app.op.count()).toBe(0);
    });

    it('MTLS-03 and with no other, and not without', async () => {
      const app = await boot();
      const token = app.op.issue({ cnf: cnf(own) });
      expectBadToken(app, await call(app, token), 'TOKEN_BINDING');
      expectBadToken(app, await call(app, token, other), 'TOKEN_BINDING');
    });

    it('MTLS-05 a header is no certificate where no proxy is configured', async () => {
      const app = await boot();
      const token = app.op.issue({ cnf: cnf(own) });
      const headers = {
        'client-cert': `:${own.der.toString('base64')}:`,
        'x-client-cert': encodeURIComponent(own.cert),
      };
      expectBadToken(app, await call(app, token, undefined, headers), 'TOKEN_BINDING');
    });

    it('MTLS-11 whether it has expired is for TLS to say', async () => {
      const app = await boot();
      expect((await call(app, app.op.issue({ cnf: cnf(expired) }), expired)).status).toBe(200);
    });

    it('MTLS-15 where it is not required, a token that is bound to nothing is good, with a certificate or without', async () => {
      const app = await boot();
      expect((await call(app, app.op.issue(), own)).status).toBe(200);
      expect((await call(app, app.op.issue())).status).toBe(200);
    });

    it('MTLS-04 MTLS-15 where it is required, a token that is bound to nothing is refused', async () => {
      const app = await boot({ required: true });
      expectBadToken(app, await call(app, app.op.issue(), own), 'TOKEN_BINDING');
      expect((await call(app, app.op.issue({ cnf: cnf(own) }), own)).status).toBe(200);
    });
  });

  describe('behind a proxy', () => {
    const HEADER = 'x-ssl-client-cert';
    const boot = (proxy: object = {}, resourceServer: object = {}) =>
      createApp({
        adapter,
        options: {
          resourceServer: {
            audience: 'https://api.test',
            mtls: { proxy: { header: HEADER, trusted: ['127.0.0.0/8'], ...proxy } },
            ...resourceServer,
          },
        },
      });
    const call = (
      app: TestApp,
      value: string | string[],
      headers: object = {},
      token = app.op.issue({ cnf: cnf(own) }),
    ) => app.call('/orders', token, { headers: { [HEADER]: value, ...headers } });

    it.each<[string, () => string]>([
      ['as RFC 9440 writes it', () => `:${own.der.toString('base64')}:`],
      ['as PEM, percent-encoded', () => encodeURIComponent(own.cert)],
    ])('MTLS-01 %s', async (_how, value) => {
      const app = await boot();
      expect((await call(app, value())).status).toBe(200);
    });

    it('MTLS-01 for a JWT as well', async () => {
      const app = await boot({}, { validation: 'jwt' });
      const token = jwtAccessToken(app.op, { claims: { cnf: cnf(own) } });
      expect((await call(app, encodeURIComponent(own.cert), {}, token)).status).toBe(200);
      expectBadToken(app, await call(app, encodeURIComponent(other.cert), {}, token), 'TOKEN_BINDING');
    });

    it('MTLS-05 somebody who is not the proxy may say what they like', async () => {
      const app = await boot({ trusted: ['10.0.0.0/8', '::2'] });
      expectBadToken(app, await call(app, encodeURIComponent(own.cert)), 'TOKEN_BINDING');
      const headers = { 'x-forwarded-for': '10.0.0.1' };
      expectBadToken(app, await call(app, encodeURIComponent(own.cert), headers), 'TOKEN_BINDING');
    });

    it('MTLS-07 a proxy that says that it did not verify has shown nothing', async () => {
      const app = await boot({ verifiedHeader: 'x-client-verify' });
      const value = encodeURIComponent(own.cert);
      expectBadToken(app, await call(app, value), 'TOKEN_BINDING');
      expectBadToken(app, await call(app, value, { 'x-client-verify': 'FAILED' }), 'TOKEN_BINDING');
      expectBadToken(app, await call(app, value, { 'x-client-verify': ['SUCCESS', 'SUCCESS'] }), 'TOKEN_BINDING');
      expect((await call(app, value, { 'x-client-verify': 'SUCCESS' })).status).toBe(200);
    });

    it.each<[string, () => string | string[]]>([
      ['malformed percent-encoding', () => '%ZZ'],
      ['two certificates', () => encodeURIComponent(`${own.cert}\n${own.cert}`)],
      ['two byte sequences', () => `:${own.der.toString('base64')}:, :${own.der.toString('base64')}:`],
      ['two headers', () => [encodeURIComponent(own.cert), encodeURIComponent(own.cert)]],
      ['something behind it', () => `:${Buffer.concat([own.der, Buffer.from('x')]).toString('base64')}:`],
      ['half of it', () => `:${own.der.subarray(0, 200).toString('base64')}:`],
      ['nothing', () => ''],
      ['more than anybody reads', () => 'A'.repeat(17_000)],
    ])('MTLS-08 %s is no certificate and no crash', async (_what, value) => {
      const app = await boot();
      const response = await call(app, value());
      // Node itself refuses headers of more than 16 KiB.
      if (response.status !== 431) {
        expectBadToken(app, response, 'TOKEN_BINDING');
      }
      expect(app.handled).toEqual([]);
    });

    it('RFC 7800, section 3.1: what is not understood beside the certificate is ignored', async () => {
      const app = await boot();
      const token = app.op.issue({ cnf: { ...cnf(own), jwk: { kty: 'RSA' }, new: 'x' } });
      expect((await call(app, encodeURIComponent(own.cert), {}, token)).status).toBe(200);
    });

    it.each<[string, () => object]>([
      ['hex', () => ({ 'x5t#S256': Buffer.from(own.thumbprint, 'base64url').toString('hex') })],
      ['base64 with padding', () => ({ 'x5t#S256': Buffer.from(own.thumbprint, 'base64url').toString('base64') })],
      ['x5t', () => ({ x5t: own.thumbprint })],
      ['a number', () => ({ 'x5t#S256': 7 })],
      ['nothing', () => ({ 'x5t#S256': '' })],
      ['a member that nobody knows', () => ({ new: 'x' })],
      ['no member at all', () => ({})],
      ['a DPoP key as well', () => ({ ...cnf(own), jkt: own.thumbprint })],
      ['something beside a DPoP key that is none', () => ({ ...cnf(own), jkt: 7 })],
    ])('MTLS-09 MTLS-10 a confirmation by %s is not understood', async (_what, confirmation) => {
      const app = await boot();
      const token = app.op.issue({ cnf: confirmation() });
      expectBadToken(app, await call(app, encodeURIComponent(own.cert), {}, token), 'TOKEN_BINDING');
    });
  });

  it.each([
    [{ proxy: { header: 'x', trusted: [] } }, 'resourceServer.mtls.proxy.trusted'],
    [{ proxy: { header: 'x', trusted: ['proxy.test'] } }, 'resourceServer.mtls.proxy.trusted.0'],
    [{ proxy: { header: 'x', trusted: ['10.0.0.0/33'] } }, 'resourceServer.mtls.proxy.trusted.0'],
    [{ proxy: { header: 'x y', trusted: ['10.0.0.1'] } }, 'resourceServer.mtls.proxy.header'],
  ])('%j is no proxy', async (mtls, member) => {
    const booting = createApp({ adapter, options: { resourceServer: { audience: 'https://api.test', mtls } } });
    await expect(booting).rejects.toMatchObject({ name: 'ConfigError', member });
  });
});

it('a caller who has hung up shows no certificate', () => {
  const raw = { method: 'GET', rawHeaders: [], headers: {}, socket: { getPeerCertificate: () => null } };
  const certificates = new ClientCertificates({ required: false });
  expect(certificates.thumbprint(raw)).toBeUndefined();
});

describe('the address of the proxy', () => {
  const seen = (trusted: string, remoteAddress: string, value = `:${own.der.toString('base64')}:`) => {
    const proxy = { header: 'c', trusted: [trusted] };
    const certificates = new ClientCertificates({ required: false, proxy });
    const raw = { method: 'GET', rawHeaders: ['C', value], headers: { c: value }, socket: { remoteAddress } };
    return certificates.thumbprint(raw);
  };

  it.each([
    ['10.0.0.0/8', '10.1.2.3', true],
    ['10.0.0.0/8', '::ffff:10.1.2.3', true],
    ['10.0.0.1', '10.0.0.1', true],
    ['10.0.0.1', '10.0.0.2', false],
    ['fd00::/8', 'fd12::1', true],
    ['fd00::/8', 'fe80::1', false],
    ['::1', '::1', true],
  ])('of %s is %s: %s', (trusted, address, isTrusted) => {
    expect(seen(trusted, address)).toBe(isTrusted ? own.thumbprint : undefined);
  });

  it('may send anything: it is a certificate or it is none', () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        expect(seen('10.0.0.1', '10.0.0.1', value)).toBeUndefined();
      }),
    );
  });
});
