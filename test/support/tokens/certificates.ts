import 'reflect-metadata';
import { createHash, webcrypto, X509Certificate } from 'node:crypto';

import * as x509 from '@peculiar/x509';

/** A certificate with its key, as TLS takes them. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
  readonly der: Buffer;
  /** `x5t#S256` of a token that is bound to it. */
  readonly thumbprint: string;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY = 86_400_000;

/** Signs itself; good from so many days on until so many days from now. */
export async function selfSigned(name: string, { from = -1, until = 1 } = {}): Promise<Certificate> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys,
    notBefore: new Date(Date.now() + from * DAY),
    notAfter: new Date(Date.now() + until * DAY),
    signingAlgorithm: ALGORITHM,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }])],
  });
  const cert = certificate.toString('pem');
  const der = new X509Certificate(cert).raw;
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return {
    cert,
    key: `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----`,
    der,
    thumbprint: createHash('sha256').update(der).digest('base64url'),
  };
}
