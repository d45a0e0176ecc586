import { createHash, webcrypto, X509Certificate } from 'node:crypto';

/** A self-signed client certificate with its key. Made by {@link TestProvider.certificate}. */
export interface TestCertificate {
  /** PEM, as TLS takes it. */
  readonly cert: string;
  /** PEM, as TLS takes it. */
  readonly key: string;
  /** `x5t#S256` of the tokens that are bound to it (RFC 8705, section 3.1). */
  readonly thumbprint: string;
  /** What a proxy that ends TLS sends on in `Client-Cert` (RFC 9440, section 2.2). */
  readonly header: string;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** Certificates last from a day before until a day after. */
const DAY = 86_400_000;

/**
 * @param name its common name
 * @param now milliseconds since the epoch
 * @throws `@peculiar/x509` is not installed
 */
export async function certificateOf(name: string, now: number): Promise<TestCertificate> {
  const { X509CertificateGenerator } = await import('@peculiar/x509');
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys,
    notBefore: new Date(now - DAY),
    notAfter: new Date(now + DAY),
    signingAlgorithm: ALGORITHM,
  });
  const cert = certificate.toString('pem');
  const { raw } = new X509Certificate(cert);
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return {
    cert,
    key: `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----`,
    thumbprint: createHash('sha256').update(raw).digest('base64url'),
    header: `:${raw.toString('base64')}:`,
  };
}
