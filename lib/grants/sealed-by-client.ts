import type * as v from 'valibot';

import type { Server } from '../authorization-server/server.js';
import type { OidcStore } from '../storage/oidc-store.js';
import { SealedStore, type SealedKind } from '../storage/sealed-store.js';
import { Sealer } from '../storage/sealer.js';

/**
 * What the replicas of a client share, sealed under the client's secret.
 *
 * @param maxLength characters of a sealed value; longer ones are not shared
 * @returns undefined: the client has no secret to seal with
 */
export function sealedByClient<Schema extends v.GenericSchema>(
  { client, clock }: Server,
  store: OidcStore,
  kind: SealedKind<Schema>,
  maxLength: number,
): SealedStore<Schema> | undefined {
  const { sealingSecret } = client;
  return sealingSecret && new SealedStore(store, new Sealer([sealingSecret.reveal()], maxLength), clock.now, kind);
}
