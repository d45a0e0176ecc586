import { createHash, X509Certificate } from 'node:crypto';
import { BlockList, isIPv6 } from 'node:net';
import type { PeerCertificate, TLSSocket } from 'node:tls';

import * as v from 'valibot';

import type { Platform } from '../nest/platform.js';

/** Characters of the longest header that is looked at. */
const LONGEST_HEADER = 16_384;

const headerName = v.pipe(v.string(), v.regex(/^[\w!#$%&'*+.^`|~-]+$/, 'must be the name of a header'));

const proxyOptionsSchema = v.strictObject({
  /** The header in which the proxy hands on the certificate: as RFC 9440 writes it, or as PEM, percent-encoded or not. */
  header: headerName,
  /** A header that must then say `SUCCESS`, as nginx's `$ssl_client_verify` does. */
  verifiedHeader: v.optional(headerName),
  /** Addresses of the proxies, or ranges such as `10.0.0.0/8`. From anybody else the headers count for nothing. */
  trusted: v.pipe(
    v.array(v.pipe(v.string(), v.check(isRange, 'must be an address or a range of addresses'))),
    v.nonEmpty('must name a proxy'),
  ),
});

export const mutualTlsOptionsSchema = v.strictObject({
  /** Whether a token has to be bound to a certificate. Default false. */
  required: v.optional(v.boolean(), false),
  /** Who ends TLS in front of us; left out: we do, and the connection itself tells. */
  proxy: v.optional(proxyOptionsSchema),
});

export type MutualTlsSettings = v.InferOutput<typeof mutualTlsOptionsSchema>;

type ProxySettings = v.InferOutput<typeof proxyOptionsSchema>;

/** Which client certificate a request came with (RFC 8705, section 3). */
export class ClientCertificates {
  readonly #proxy: ProxySettings | undefined;
  readonly #trusted = new BlockList();

  constructor({ proxy }: MutualTlsSettings) {
    this.#proxy = proxy;
    proxy?.trusted.forEach((range) => {
      const [address = '', bits] = range.split('/');
      const family = isIPv6(address) ? 'ipv6' : 'ipv4';
      this.#trusted.addSubnet(address, Number(bits ?? (family === 'ipv6' ? 128 : 32)), family);
    });
  }

  /** base64url of the SHA-256 of the certificate (`x5t#S256`); undefined when the request brought none that counts. */
  thumbprintOf(platform: Platform, request: unknown): string | undefined {
    const certificate =
      this.#proxy === undefined ? ofConnection(platform, request) : this.#fromProxy(this.#proxy, platform, request);
    return certificate && createHash('sha256').update(certificate).digest('base64url');
  }

  #fromProxy(proxy: ProxySettings, platform: Platform, request: unknown): Uint8Array | undefined {
    const { header, verifiedHeader } = proxy;
    const peer = platform.raw(request).socket.remoteAddress;
    if (peer === undefined || !this.#trusted.check(peer, isIPv6(peer) ? 'ipv6' : 'ipv4')) {
      return undefined;
    }
    if (verifiedHeader !== undefined && !isOnce(platform, request, verifiedHeader, 'SUCCESS')) {
      return undefined;
    }
    const value = platform.headerLines(request, header).length === 1 ? platform.header(request, header) : undefined;
    return value === undefined || value.length > LONGEST_HEADER ? undefined : certificateOf(value);
  }
}

/**
 * The handshake has proven that the caller holds the key, and the token names the certificate: who issued it, and whether
 * Node trusts them, adds nothing (RFC 8705, section 7.3).
 */
function ofConnection(platform: Platform, request: unknown): Uint8Array | undefined {
  const { socket } = platform.raw(request);
  // Node's type does not say so: a connection that is closed has none.
  const certificate: PeerCertificate | null | undefined = isTls(socket) ? socket.getPeerCertificate(false) : undefined;
  return certificate?.raw;
}

function isTls(socket: object): socket is TLSSocket {
  return 'getPeerCertificate' in socket && typeof socket.getPeerCertificate === 'function';
}

function isOnce(platform: Platform, request: unknown, name: string, value: string): boolean {
  return platform.headerLines(request, name).length === 1 && platform.header(request, name) === value;
}

/** RFC 9440, section 2.1: a byte sequence of a structured field. */
const BYTE_SEQUENCE = /^:([A-Za-z0-9+/]+={0,2}):$/;

const PEM = /^-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*$/;

/** The DER of exactly one certificate, with nothing before or behind it. */
function certificateOf(value: string): Uint8Array | undefined {
  const base64 = (BYTE_SEQUENCE.exec(value) ?? PEM.exec(percentDecoded(value)))?.[1];
  const der = Buffer.from(base64 ?? '', 'base64');
  try {
    return new X509Certificate(der).raw.equals(der) ? der : undefined;
  } catch {
    return undefined;
  }
}

function percentDecoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return '';
  }
}

function isRange(range: string): boolean {
  const [address = '', bits, surplus] = range.split('/');
  const family = isIPv6(address) ? 'ipv6' : 'ipv4';
  try {
    new BlockList().addSubnet(address, Number(bits ?? (family === 'ipv6' ? 128 : 32)), family);
    return surplus === undefined && bits !== '' && /^[\d.:a-f/]+$/i.test(range);
  } catch {
    return false;
  }
}
