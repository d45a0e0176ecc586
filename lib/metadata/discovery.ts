import type { Now } from '../clock/clock.js';
import { DiscoveryError, ResponseError } from '../errors/errors.js';
import { CachedDocument, jsonDocument } from '../http/cached-document.js';
import type { HttpResponse } from '../http/response.js';
import type { Transport } from '../http/transport.js';
import type { JsonObject } from '../values/json.js';
import { profiledMetadata, type ProfiledServer } from './profiled-server.js';
import { parseServerMetadata, type MetadataRule, type ServerMetadata } from './server-metadata.js';

/** The well-known document that is asked for: that of OpenID Connect Discovery 1.0, or that of RFC 8414. */
export type DiscoveryDocument = 'openid-configuration' | 'oauth-authorization-server';

export interface DiscoverySource extends MetadataRule {
  readonly document: DiscoveryDocument;
  /** Where the document is; undefined: at the well-known place of the issuer. */
  readonly url?: string | undefined;
  /** Members that replace the published ones. */
  readonly overrides: Partial<ServerMetadata>;
  /** The security profile that the server has to keep. Undefined: none. */
  readonly profiled?: ProfiledServer | undefined;
}

/** Discovered metadata: fetched when it is needed, and kept. */
export interface Discovered {
  /** The kept copy while it is fresh, else a new one. */
  get(): ServerMetadata | Promise<ServerMetadata>;
  /** Fetches a new copy, however fresh the kept one is. */
  refresh(): ServerMetadata | Promise<ServerMetadata>;
  /** Whether there is a copy, which serves while the server is down. */
  readonly isKept: boolean;
}

/**
 * Discovery of the server's metadata (OpenID Connect Discovery 1.0, section 4; RFC 8414, section 3).
 *
 * It is fetched at first use, shared among callers and refreshed by its cache headers. The last good copy is kept while
 * the server is down. Overrides that hold the `issuer` are the whole document: nothing is fetched.
 */
export function discover(transport: Transport, source: DiscoverySource, now: Now): Discovered {
  if (source.overrides.issuer !== undefined) {
    const whole = readMetadata(source.overrides, source);
    return { get: () => whole, refresh: () => whole, isKept: true };
  }
  return new CachedDocument(
    async (background) => {
      const { document, response } = await fetchDocument(transport, source, background);
      const published = readMetadata({ ...document, ...source.overrides }, source);
      return { value: published, response };
    },
    now,
    { maxStale: Number.POSITIVE_INFINITY },
  );
}

/** @throws {OidcError} as {@link parseServerMetadata} and {@link profiledMetadata} */
function readMetadata(published: JsonObject, source: DiscoverySource): ServerMetadata {
  const metadata = parseServerMetadata(published, source);
  return source.profiled === undefined ? metadata : profiledMetadata(metadata, source.profiled);
}

async function fetchDocument(
  transport: Transport,
  source: DiscoverySource,
  background: boolean,
): Promise<{ document: JsonObject; response: HttpResponse }> {
  try {
    let response: HttpResponse | undefined;
    for (const url of documentUrls(source)) {
      response = await transport.request({
        method: 'GET',
        url,
        endpoint: 'discovery',
        headers: { accept: 'application/json' },
        retry: 'idempotent',
        background,
      });
      if (response.status === 200) {
        return { document: jsonDocument(response, ['application/json']), response };
      }
    }
    const facts = response?.facts;
    throw new DiscoveryError('UNEXPECTED_STATUS', 'The server publishes no metadata where its issuer says.', { facts });
  } catch (error) {
    throw asDiscoveryError(error);
  }
}

/** What keeps a server from being found: an answer that breaks a specification is a fault of its discovery. */
export function asDiscoveryError(error: unknown): unknown {
  return error instanceof ResponseError
    ? new DiscoveryError(error.code, error.message, { facts: error.facts, cause: error.cause })
    : error;
}

function documentUrls({ url, issuer, backchannelUrl, document }: DiscoverySource): readonly string[] {
  return url === undefined ? wellKnownUrls(backchannelUrl ?? issuer, document) : [url];
}

/**
 * The URLs where the metadata may be, in the order in which they are asked.
 *
 * OpenID Connect Discovery 1.0, section 4.1, appends the well-known path to the issuer. RFC 8414, section 3.1, inserts it
 * before the issuer's path and drops a final slash. Some servers keep that slash, so that this form is asked for next.
 */
export function wellKnownUrls(issuer: string, document: DiscoveryDocument): readonly string[] {
  if (document === 'openid-configuration') {
    return [`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`];
  }
  const { origin, pathname } = new URL(issuer);
  const inserted = `${origin}/.well-known/oauth-authorization-server`;
  const path = pathname.replace(/\/$/, '');
  return path === pathname || path === '' ? [inserted + path] : [inserted + path, inserted + pathname];
}
