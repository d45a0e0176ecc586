import type { OidcErrorCode } from '../errors/codes.js';
import { OidcError } from '../errors/oidc.error.js';
import type { PublishedServer } from './published-server.js';

/** How a document of the server came: just now, or not, where an older copy may still serve. */
export interface DocumentHealth {
  readonly state: 'fetched' | 'kept' | 'missing' | 'not published';
  /** Why it did not come. */
  readonly code?: OidcErrorCode | undefined;
}

/** Health of an authorization server, as its client sees it. */
export interface ServerHealth {
  readonly metadata: DocumentHealth;
  readonly keys: DocumentHealth;
  /** Why nobody calls the server; undefined: the circuit is closed. */
  readonly openCircuit: { readonly code: OidcErrorCode; readonly retryAfter: number } | undefined;
}

/** Fetches the server's metadata and keys, and says what serves meanwhile where they don't come. */
export async function healthOf(server: PublishedServer): Promise<ServerHealth> {
  // Before the fetches: once the circuit may close, one of them is the probe that closes it.
  const [openError] = server.transport.openErrors;
  const metadata = await attempt(
    async () => server.refreshedMetadata(),
    () => server.kept.metadata,
  );
  const keys = await attempt(
    () => server.refreshKeys(),
    () => server.kept.keys,
  );
  const { code, retryAfter } = openError ?? {};
  return {
    metadata,
    keys,
    openCircuit:
      code === undefined || retryAfter === undefined ? undefined : { code, retryAfter: Math.ceil(retryAfter) },
  };
}

async function attempt(fetch: () => Promise<unknown>, isKept: () => boolean): Promise<DocumentHealth> {
  try {
    return { state: (await fetch()) === undefined ? 'not published' : 'fetched' };
  } catch (error) {
    if (error instanceof OidcError) {
      return { state: isKept() ? 'kept' : 'missing', code: error.code };
    }
    throw error;
  }
}
