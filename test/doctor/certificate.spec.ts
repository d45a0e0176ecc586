import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:tls';

import { describe, expect, it } from '@jest/globals';

import { readCertificateEnd } from '../../lib/doctor/server-examination.js';
import { freePort } from '../support/ports.js';
import { selfSigned } from '../support/tokens/certificates.js';

describe('the end of a certificate', () => {
  it.each([30, -3])('is read of one that nobody trusts and that ends in %d days', async (days) => {
    const { cert, key } = await selfSigned('127.0.0.1', { from: -10, until: days });
    const port = await freePort();
    const server = createServer({ cert, key }, (socket) => socket.on('error', () => undefined)).listen(
      port,
      '127.0.0.1',
    );
    await once(server, 'listening');
    const end = await readCertificateEnd(new URL(`https://127.0.0.1:${port}`));
    server.close();
    expect(end).toBe(Date.parse(new X509Certificate(cert).validTo));
  });

  it('is unknown where nobody answers', async () => {
    expect(await readCertificateEnd(new URL(`https://127.0.0.1:${await freePort()}`))).toBeUndefined();
  });
});
