import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { LookupFunction } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import { inspect } from 'node:util';

import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import * as x509 from '@peculiar/x509';
import { Agent } from 'undici';

import { Connections } from '../../lib/http/connections.js';
import { Transport } from '../../lib/http/transport.js';
import { rejection } from '../support/client/client.js';
import { LIMITS } from '../support/http/limits.js';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY = 86_400_000;

interface Authority {
  readonly certificate: x509.X509Certificate;
  readonly keys: CryptoKeyPair;
}
type CryptoKeyPair = webcrypto.CryptoKeyPair;

interface Identity {
  readonly cert: string;
  readonly key: string;
}

let authority: Authority;

const keyPair = async (): Promise<CryptoKeyPair> =>
  webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);

/** A certificate for this host, good from so many days on for so many days. */
async function identity(
  host: string,
  { from = -1, days = 2, by = authority }: { from?: number; days?: number; by?: Authority | undefined } = {},
): Promise<Identity> {
  const keys = await keyPair();
  const notBefore = new Date(Date.now() + from * DAY);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: `CN=${host}`,
    issuer: by.certificate.subject,
    notBefore,
    notAfter: new Date(notBefore.getTime() + days * DAY),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: by.keys.privateKey,
    extensions: [
      new x509.SubjectAlternativeNameExtension([{ type: /^[\d.]+$/.test(host) ? 'ip' : 'dns', value: host }]),
    ],
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return { cert: certificate.toString('pem'), key: `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----` };
}

async function newAuthority(name: string): Promise<Authority> {
  const keys = await keyPair();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    notBefore: new Date(Date.now() - DAY),
    notAfter: new Date(Date.now() + DAY),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [new x509.BasicConstraintsExtension(true)],
  });
  return { certificate, keys };
}

beforeAll(async () => {
  x509.cryptoProvider.set(Object(webcrypto));
  authority = await newAuthority('Test Authority');
});

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) {
    await one.close();
  }
});

async function serverWith(
  options: SecureContextOptions,
): Promise<{ port: number; handshakes: () => number; requests: () => number }> {
  let [handshakes, requests] = [0, 0];
  const server: Server = createServer(options, (_request, response) => {
    requests += 1;
    response.setHeader('content-type', 'application/json').end('{"ok":true}');
  });
  server.on('connection', () => (handshakes += 1));
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push({ close: () => new Promise((resolve) => server.close(resolve).closeAllConnections()) });
  return { port: Object(server.address()).port, handshakes: () => handshakes, requests: () => requests };
}

const SECRET = 'Bearer-that-must-not-be-told';

async function call(url: string, dispatcher?: Agent) {
  const connections = new Connections(LIMITS, Date.now, { dispatcher });
  open.unshift(connections, ...(dispatcher ? [dispatcher] : []));
  return new Transport(connections).request({
    method: 'GET',
    url,
    endpoint: 'discovery',
    headers: { authorization: SECRET },
    retry: 'idempotent',
  });
}

const trusting = (more: SecureContextOptions & { readonly lookup?: LookupFunction } = {}) =>
  new Agent({ connect: { ca: authority.certificate.toString('pem'), ...more } });

describe('a server with a certificate', () => {
  it('of an authority that the application trusts is called', async () => {
    const { port } = await serverWith(await identity('127.0.0.1'));
    expect((await call(`https://127.0.0.1:${port}/`, trusting())).json()).toEqual({ ok: true });
  });

  it.each<[string, () => Promise<SecureContextOptions>, boolean]>([
    ['NET-04 of an authority that nobody knows', () => identity('127.0.0.1'), false],
    ['NET-04 that it made itself', async () => identity('127.0.0.1', { by: await newAuthority('Nobody') }), true],
    ['NET-05 of another host', () => identity('op.test'), true],
    ['NET-05 that is expired', () => identity('127.0.0.1', { from: -10, days: 1 }), true],
    ['NET-05 that is not good yet', () => identity('127.0.0.1', { from: 1 }), true],
  ])('%s is not called: once, and not in the clear', async (_what, options, isTrusting) => {
    const { port, handshakes, requests } = await serverWith(await options());
    const error = await rejection(call(`https://127.0.0.1:${port}/`, isTrusting ? trusting() : undefined));
    expect(error).toMatchObject({ name: 'TransportError', code: 'TLS_ERROR' });
    expect(inspect(error, { depth: 9 })).not.toContain(SECRET);
    expect([handshakes(), requests()]).toEqual([1, 0]);
  });

  it('NET-06 and only TLS 1.1 is not called, because of the version alone', async () => {
    const tls11 = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    const { port, requests } = await serverWith({ ...(await identity('127.0.0.1')), ...tls11 });
    const url = `https://127.0.0.1:${port}/`;
    for (const dispatcher of [undefined, trusting()]) {
      expect(await rejection(call(url, dispatcher))).toMatchObject({
        code: 'TLS_ERROR',
        cause: { code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' },
      });
    }
    expect(requests()).toBe(0);
    expect((await call(url, trusting(tls11))).json()).toEqual({ ok: true });
  });

  it('TEN-16 of another name is not called, though the name leads to its address', async () => {
    const lookup: LookupFunction = (_name, _options, found) => found(null, [{ address: '127.0.0.1', family: 4 }]);
    for (const [name, isCalled] of [
      ['keys.op.test', true],
      ['127.0.0.1', false],
    ] as const) {
      const { port, requests } = await serverWith(await identity(name));
      const outcome = await call(`https://keys.op.test:${port}/`, trusting({ lookup })).then(
        (response) => response.json(),
        (error: unknown) => error,
      );
      expect(outcome).toMatchObject(isCalled ? { ok: true } : { code: 'TLS_ERROR' });
      expect(requests()).toBe(isCalled ? 1 : 0);
    }
  });

  it('that speaks no TLS at all is not called', async () => {
    const { createServer: plain } = await import('node:http');
    const server = plain((_request, response) => response.end('{}')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    open.push({ close: () => new Promise((resolve) => server.close(resolve).closeAllConnections()) });
    const { port } = Object(server.address());
    expect(await rejection(call(`https://127.0.0.1:${port}/`))).toMatchObject({ code: 'TLS_ERROR' });
  });
});
