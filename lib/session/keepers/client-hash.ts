import { hash } from 'node:crypto';

import type { OidcClient } from '../../client/oidc-client.js';
import type { SessionsOf } from '../session.port.js';

/** A name in the store for something of one client. It is a hash, so that the store tells nothing of users and sessions. */
export function clientHash(
  { issuer, metadata, name }: Pick<OidcClient, 'issuer' | 'metadata' | 'name'>,
  parts: readonly (string | undefined)[],
): string {
  const place = JSON.stringify([issuer, metadata.client_id, name ?? null, ...parts]);
  return hash('sha256', place, 'base64url');
}

/** The parts of a name for what belongs to all sessions of a `sid` or a `sub`. */
export function partsOf(of: SessionsOf): readonly string[] {
  return 'sid' in of ? ['sid', of.sid] : ['sub', of.sub];
}
