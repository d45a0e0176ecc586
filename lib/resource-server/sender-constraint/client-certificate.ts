import { hash, X509Certificate } from 'node:crypto';
import { BlockList } from 'node:net';
import type { PeerCertificate, TLSSocket } from 'node:tls';

import * as requests from '../../nest/requests.js';
import type { MutualTlsSettings, ProxySettings } from '../resource-server.options.js';
import { addRange, familyOf } from './address-range.js';

/** Maximum length of a parsed header, in characters. */
const LONGEST_HEADER = 16_384;

/** Finds the client certificate of a request (RFC 8705, section 3): from the connection, or from a header of the proxy. */
export class ClientCertificates {
  readonly #proxy: ProxySettings | undefined;
  readonly #trusted = new BlockList();

  constructor({ proxy }: MutualTlsSettings) {
    this.#proxy = proxy;
    proxy?.trusted.forEach((range) => addRange(this.#trusted, range));
  }

  /** The certificate's thumbprint (`x5t#S256`): base64url of its SHA-256; undefined without a trusted certificate. */
  thumbprint(request: object): string | undefined {
    const certificate = this.#proxy === undefined ? this.#ofConnection(request) : this.#fromProxy(this.#proxy, request);
    return certificate && hash('sha256', certificate, 'base64url');
  }

  /**
   * The certificate of the TLS connection. Its issuer does not matter: the handshake proves possession of the key, and the
   * token names the certificate (RFC 8705, section 7.3).
   */
  #ofConnection(request: object): Uint8Array | undefined {
    const { socket } = requests.raw(request);
    // A closed connection has none, though Node's type does not say so.
    const certificate: PeerCertificate | null | undefined = isTls(socket)
      ? socket.getPeerCertificate(false)
      : undefined;
    return certificate?.raw;
  }

  #fromProxy({ header, verifiedHeader }: ProxySettings, request: object): Uint8Array | undefined {
    const peer = requests.raw(request).socket.remoteAddress;
    if (peer === undefined || !this.#trusted.check(peer, familyOf(peer))) {
      return undefined;
    }
    if (verifiedHeader !== undefined && this.#onlyLine(request, verifiedHeader) !== 'SUCCESS') {
      return undefined;
    }
    const value = this.#onlyLine(request, header);
    return value === undefined || value.length > LONGEST_HEADER ? undefined : certificateOf(value);
  }

  #onlyLine(request: object, name: string): string | undefined {
    const [line, surplus] = requests.headerLines(request, name);
    return surplus === undefined ? line : undefined;
  }
}

function isTls(socket: object): socket is TLSSocket {
  return 'getPeerCertificate' in socket && typeof socket.getPeerCertificate === 'function';
}

/** A byte sequence of a structured field (RFC 9440, section 2.1). */
const BYTE_SEQUENCE = /^:([A-Za-z0-9+/]+={0,2}):$/;

const PEM = /^-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*$/;

/** The DER of a certificate; undefined if anything stands before or after it. */
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
