import { isIP } from 'node:net';
import { connect } from 'node:tls';

import type { Server } from '../authorization-server/server.js';
import { wellKnownUrls, type DiscoveryDocument } from '../metadata/discovery.js';
import type { ServerMetadata } from '../metadata/server-metadata.js';
import type { Line } from './report.js';

/** Days before a certificate's end from which the doctor warns. */
const SOON = 14;

const DAY = 86_400_000;

/** Milliseconds to wait for a certificate. */
const TLS_TIMEOUT = 5000;

/** When the certificate of a server ends, in milliseconds since the epoch; undefined where it can't be had. */
export type CertificateEnd = (url: URL) => Promise<number | undefined>;

/** What a server can do, by what it publishes. */
const ABILITIES: readonly (readonly [ability: string, isThere: (metadata: ServerMetadata) => boolean])[] = [
  ['login', (m) => m.authorization_endpoint !== undefined && m.token_endpoint !== undefined],
  ['PKCE (S256)', (m) => includes(m.code_challenge_methods_supported, 'S256')],
  ['userinfo', (m) => m.userinfo_endpoint !== undefined],
  ['introspection', (m) => m.introspection_endpoint !== undefined],
  ['signed introspection', (m) => m.introspection_signing_alg_values_supported !== undefined],
  ['revocation', (m) => m.revocation_endpoint !== undefined],
  ['logout', (m) => m.end_session_endpoint !== undefined],
  ['back-channel logout', (m) => m['backchannel_logout_supported'] === true],
  ['pushed authorization requests', (m) => m.pushed_authorization_request_endpoint !== undefined],
  ['DPoP', (m) => m.dpop_signing_alg_values_supported !== undefined],
  ['bound certificates', (m) => m['tls_client_certificate_bound_access_tokens'] === true],
  ['device authorization', (m) => m['device_authorization_endpoint'] !== undefined],
  ['iss in responses', (m) => m.authorization_response_iss_parameter_supported === true],
];

function includes(list: unknown, value: string): boolean {
  return Array.isArray(list) && list.includes(value);
}

/** What the server publishes. @throws {OidcError} it publishes no metadata */
export async function publishedLines(server: Server): Promise<readonly Line[]> {
  const metadata = await server.refreshedMetadata();
  const abilities = (wanted: boolean): string =>
    ABILITIES.filter(([, isThere]) => isThere(metadata) === wanted)
      .map(([ability]) => ability)
      .join(', ');
  const [can, lacks] = [abilities(true), abilities(false)];
  return [
    { level: 'ok', text: 'It publishes its metadata.' },
    { level: 'note', text: `It has: ${can || 'nothing that is known'}.` },
    ...(lacks === '' ? [] : [{ level: 'note', text: `It does not say that it has: ${lacks}.` } as const]),
  ];
}

/** The server's keys. @throws {OidcError} they can't be fetched */
export async function keyLines(server: Server): Promise<readonly Line[]> {
  return (await server.refreshKeys())
    ? [{ level: 'ok', text: 'It publishes its keys.' }]
    : [{ level: 'warning', text: 'It publishes no keys: no signature can be verified.' }];
}

/** How far the server's clock is from ours, by its `Date` (RFC 9110, section 6.6.1). */
export async function clockLines(
  server: Server,
  document: DiscoveryDocument,
  tolerance: number,
): Promise<readonly Line[]> {
  const [url = server.issuer] = wellKnownUrls(server.issuer, document);
  const { headers } = await server.transport.request({
    method: 'GET',
    endpoint: 'discovery',
    url,
    headers: {},
    retry: 'idempotent',
  });
  const date = Date.parse(String(headers['date']));
  if (Number.isNaN(date)) {
    return [{ level: 'note', text: 'It sends no Date, so that the clocks can not be compared.' }];
  }
  // The header has whole seconds.
  const difference = Math.round((date - server.clock.now()) / 1000);
  const side = difference < 0 ? 'behind' : 'ahead of';
  return Math.abs(difference) <= 1
    ? [{ level: 'ok', text: 'Its clock and ours agree.' }]
    : [
        {
          level: Math.abs(difference) > tolerance ? 'problem' : 'note',
          text: `Its clock is ${Math.abs(difference)} s ${side} ours; the tolerance is ${tolerance} s.`,
        },
      ];
}

/** How long the server's certificate is good. */
export async function certificateLines(
  issuer: string,
  now: number,
  certificateEnd: CertificateEnd,
): Promise<readonly Line[]> {
  const url = new URL(issuer);
  if (url.protocol !== 'https:') {
    return [{ level: 'warning', text: 'It speaks plain http, which is for development only.' }];
  }
  const end = await certificateEnd(url);
  if (end === undefined) {
    return [{ level: 'note', text: 'Its certificate could not be read.' }];
  }
  const days = Math.floor((end - now) / DAY);
  const day = new Date(end).toISOString().slice(0, 10);
  if (days < 0) {
    return [{ level: 'problem', text: `Its certificate ended on ${day}.` }];
  }
  return [{ level: days < SOON ? 'warning' : 'ok', text: `Its certificate ends on ${day}, in ${days} days.` }];
}

/** Reads the certificate that a server shows, be it good or not: only its end is looked at. */
export const readCertificateEnd: CertificateEnd = (url) =>
  new Promise((resolve) => {
    const host = url.hostname.replace(/^\[|\]$/g, '');
    // An address is no name to ask for (RFC 6066, section 3).
    const servername = isIP(host) === 0 ? host : '';
    const socket = connect({ host, port: Number(url.port || 443), servername, rejectUnauthorized: false });
    const end = (at: number | undefined): void => {
      socket.destroy();
      resolve(at);
    };
    socket.setTimeout(TLS_TIMEOUT, () => end(undefined));
    socket.once('error', () => end(undefined));
    socket.once('secureConnect', () => {
      const at = Date.parse(socket.getPeerCertificate().valid_to);
      end(Number.isNaN(at) ? undefined : at);
    });
  });
