import { once } from 'node:events';
import { request as forward } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { TLSSocket } from 'node:tls';

import { closeLater } from '../closing.js';
import type { Certificate } from '../tokens/certificates.js';

/** A request that came over TLS. */
export interface TlsCall {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  /** The certificate that the client showed, in base64; undefined: none. */
  readonly certificate: string | undefined;
  readonly protocol: string | null;
}

/**
 * Ends TLS in front of a server of plain HTTP on this machine, as a proxy does, and asks clients for a certificate. It is closed
 * at the end of the test.
 *
 * ```ts
 * const front = await TlsFront.start(await selfSigned('server'));
 * const op = await startProvider({ publicOrigin: front.url });
 * front.target = op.origin;
 * ```
 */
export class TlsFront {
  readonly calls: TlsCall[] = [];
  /** Where requests go. */
  target = '';

  private constructor(readonly url: string) {}

  /** @param asksForCertificate default true */
  static async start({ cert, key }: Certificate, { asksForCertificate = true } = {}): Promise<TlsFront> {
    const options = { cert, key, requestCert: asksForCertificate, rejectUnauthorized: false };
    const server = createServer(options, (incoming, outgoing) => {
      const { method = '', url: path = '', headers, socket } = incoming;
      const tls = socket instanceof TLSSocket ? socket : undefined;
      const certificate = tls?.getPeerX509Certificate()?.raw.toString('base64');
      front.calls.push({ method, path, certificate, protocol: tls?.getProtocol() ?? null });
      const { 'x-client-certificate': _, ...others } = headers;
      const shown = certificate !== undefined && { 'x-client-certificate': certificate };
      const told = { ...others, 'x-forwarded-proto': 'https', ...shown };
      const sent = forward(front.target + path, { method, headers: told }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      });
      sent.on('error', () => outgoing.destroy());
      incoming.pipe(sent);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const front = new TlsFront(`https://127.0.0.1:${port}`);
    closeLater({
      close: async () => {
        server.closeAllConnections();
        server.close();
        await once(server, 'close');
      },
    });
    return front;
  }

  /** The paths that were called with a certificate. */
  pathsWith({ der }: Certificate): readonly string[] {
    const own = this.calls.filter(({ certificate }) => certificate === der.toString('base64'));
    return own.map(({ path }) => path);
  }
}
