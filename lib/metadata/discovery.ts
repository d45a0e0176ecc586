import type { Now } from '../clock/clock.js';
import { DiscoveryError, ResponseError } from '../errors/errors.js';
import { CachedDocument, jsonDocument } from '../http/cached-document.js';
import type { HttpResponse } from '../http/response.js';
import type { Transport } from '../http/transport.js';
import type { JsonObject } from '../values/json.js';
import { parseServerMetadata, type EgressRule, type ServerMetadata } from './server-metadata.js';

/** Which of the two well-known documents describes the server. */
export type DiscoveryDocument = 'openid-configuration' | 'oauth-authorization-server';

export interface DiscoverySource extends EgressRule {
  readonly document: DiscoveryDocument;
  /** Members that stand above what is published. */
  readonly overrides: Partial<ServerMetadata>;
}

/** The server's metadata as it is known. */
export interface Discovered {
  /** At once while it is fresh. */
  get(): ServerMetadata | Promise<ServerMetadata>;
  /** Asks the server now, whatever is known. */
  refresh(): ServerMetadata | Promise<ServerMetadata>;
}

/**
 * The server's metadata, fetched at first use, shared among callers, refreshed by its cache headers; the last good copy
 * is kept while the server is down. Overrides that hold the `issuer` are the whole document: nothing is fetched.
 */
export function discover(transport: Transport, source: DiscoverySource, now: Now): Discovered {
  if (source.overrides.issuer !== undefined) {
    const whole = parseServerMetadata(source.overrides, source);
    return { get: () => whole, refresh: () => whole };
  }
  return new CachedDocument(
    async (background) => {
      const { document, response } = await fetchDocument(transport, source, background);
      const published = parseServerMetadata({ ...document, ...source.overrides }, source);
      return { value: published, response };
    },
    now,
    { maxStale: Number.POSITIVE_INFINITY },
  );
}

async function fetchDocument(
  transport: Transport,
  source: DiscoverySource,
  background: boolean,
): Promise<{ document: JsonObject; response: HttpResponse }> {
  try {
    let response: HttpResponse | undefined;
    for (const url of wellKnownUrls(source.issuer, source.document)) {
      response = await transport.request({
        method: 'GET',
        url,
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
    throw error instanceof ResponseError
      ? new DiscoveryError(error.code, error.message, { facts: error.facts, cause: error.cause })
      : error;
  }
}

/**
 * OpenID Connect Discovery 1.0, section 4.1, appends; RFC 8414, section 3.1, inserts, and drops a final slash. Some
 * servers keep the slash: for an issuer that has one, that form is asked for next.
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
