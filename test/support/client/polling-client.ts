import type { ClientMetadata } from '../../../lib/metadata/client-metadata.js';
import type { HostileProvider } from '../provider/hostile-provider.js';
import { startProvider } from '../provider/provider.js';
import { clientOf } from './client.js';

/** A client whose waits take no time: they are noted in seconds, the clock goes on, and somebody may do something after one. */
export async function pollingClient(metadata: Partial<ClientMetadata> = {}) {
  const op = await startProvider();
  const waits: number[] = [];
  const does = new Map<number, () => void>();
  const { oidc } = clientOf(op, {
    metadata,
    wait: async (milliseconds, signal) => {
      signal?.throwIfAborted();
      waits.push(milliseconds / 1000);
      op.clock.advance(milliseconds / 1000);
      does.get(waits.length)?.();
      signal?.throwIfAborted();
    },
  });
  return { op, oidc, waits, after: (count: number, what: () => void) => void does.set(count, what) };
}

/** Has the provider answer the next polls with these errors, each once. */
export function answerPolls(op: HostileProvider, ...errors: readonly string[]): void {
  errors.forEach((error) => op.answer('token', { status: 400, body: { error } }, { times: 1 }));
}
