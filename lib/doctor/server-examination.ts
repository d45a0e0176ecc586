import { isIP } from 'node:net';
import { connect } from 'node:tls';

import type { PublishedServer } from '../authorization-server/published-server.js';
import { quoted } from '../errors/log-line.js';
import { examinedKeys, type ExaminedKeys } from '../jose/key-faults.js';
import { wellKnownUrls, type DiscoveryDocument } from '../metadata/discovery.js';
import type { ServerMetadata } from '../metadata/server-metadata.js';
import { examined } from './problem.js';
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
  ['certificate-bound tokens', (m) => m['tls_client_certificate_bound_access_tokens'] === true],
  ['device authorization', (m) => m['device_authorization_endpoint'] !== undefined],
  ['iss in responses', (m) => m.authorization_response_iss_parameter_supported === true],
];

function includes(list: unknown, value: string): boolean {
  return Array.isArray(list) && list.includes(value);
}

/** What was seen of a server. */
export interface SeenServer {
  readonly lines: readonly Line[];
  /** Whether its metadata came. Without that nothing can be compared with it. */
  readonly isThere: boolean;
  /** Undefined: they did not come, or it publishes none. */
  readonly keys?: ExaminedKeys | undefined;
}

/**
 * Examines a server: its metadata, its clock, its keys and its certificate.
 *
 * @param discovery where its metadata is; without `url` where its issuer says
 */
export async function seenServer(
  server: PublishedServer,
  discovery: { readonly document: DiscoveryDocument; readonly url?: string | undefined },
  certificateEnd: CertificateEnd,
): Promise<SeenServer> {
  const { issuer, clock } = server;
  const [url = issuer] = discovery.url === undefined ? wellKnownUrls(issuer, discovery.document) : [discovery.url];
  const certificate = certificateLines(issuer, clock.now(), certificateEnd);
  const published = await examined(() => publishedLines(server));
  if (published.some(({ level }) => level === 'problem')) {
    return { lines: [...published, ...(await certificate)], isThere: false };
  }
  const clocks = await examined(() => clockLines(server, url));
  let keys: ExaminedKeys | undefined;
  const ofKeys = await examined(async () => {
    const set = await server.refreshKeys();
    keys = set && (await examinedKeys(set.published));
    return keys === undefined ? NO_KEYS : keyLines(keys);
  });
  return { lines: [...published, ...ofKeys, ...clocks, ...(await certificate)], isThere: true, keys };
}

const NO_KEYS: readonly Line[] = [
  { level: 'warning', text: 'It publishes no jwks_uri: no signature can be verified.' },
];

/** What the server publishes. @throws {OidcError} it publishes no metadata */
async function publishedLines(server: PublishedServer): Promise<readonly Line[]> {
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

/** What is said of a server's keys. */
function keyLines({ algorithms, forEncryption, faults, repeated }: ExaminedKeys): readonly Line[] {
  const named = (kid: string | undefined): string =>
    kid === undefined ? 'Its key without a name' : `Its key ${quoted(kid)}`;
  const isEmpty = faults.length + forEncryption === 0;
  const none = isEmpty ? 'a key set without a key' : 'no key that can be used';
  const others = faults.length === 0 && forEncryption > 0 ? ' All are for encryption.' : '';
  return [
    algorithms.length > 0
      ? { level: 'ok', text: 'It publishes its keys.' }
      : { level: 'problem', text: `It publishes ${none}: no signature can be verified.${others}` },
    ...faults.map(
      ({ kid, fault, isSecret }) =>
        ({ level: isSecret ? 'problem' : 'warning', text: `${named(kid)} ${fault}.` }) as const,
    ),
    ...repeated.map(
      (kid) =>
        ({ level: 'warning', text: `Several of its keys are called ${quoted(kid)} (RFC 7517, section 4.5).` }) as const,
    ),
  ];
}

/** How far the server's clock is from ours, by its `Date` (RFC 9110, section 6.6.1). */
async function clockLines(server: PublishedServer, url: string): Promise<readonly Line[]> {
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
          level: Math.abs(difference) > server.clock.tolerance ? 'problem' : 'note',
          text: `Its clock is ${Math.abs(difference)} s ${side} ours; the tolerance is ${server.clock.tolerance} s.`,
        },
      ];
}

/** How long the server's certificate is good. */
async function certificateLines(issuer: string, now: number, certificateEnd: CertificateEnd): Promise<readonly Line[]> {
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
