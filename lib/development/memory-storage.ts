import { LRUCache } from 'lru-cache';
import type { Adapter, AdapterPayload } from 'oidc-provider';

/** Entries that are kept: sessions, codes, grants and tokens. A page that anybody can open makes some of them. */
const MOST_ENTRIES = 20_000;

/**
 * What the provider has to remember, in memory: it is gone when the process ends.
 *
 * @param findClient finds a registered client by its id; nobody registers by a request
 */
export class MemoryStorage {
  readonly #entries = new LRUCache<string, AdapterPayload>({ max: MOST_ENTRIES });

  constructor(private readonly findClient: (id: string) => Promise<AdapterPayload | undefined>) {}

  /** Storage of one kind, such as `Session`. */
  adapter(kind: string): Adapter {
    const keyOf = (id: string): string => `${kind}:${id}`;
    const where = (isIt: (payload: AdapterPayload) => boolean): AdapterPayload | undefined => {
      const key = this.#keysWhere(kind, isIt).next().value;
      return key === undefined ? undefined : this.#entries.get(key);
    };
    return {
      find: async (id) => (kind === 'Client' ? this.findClient(id) : this.#entries.get(keyOf(id))),
      findByUid: async (uid) => where((payload) => payload.uid === uid),
      findByUserCode: async (userCode) => where((payload) => payload.userCode === userCode),
      upsert: async (id, payload, expiresIn) => {
        this.#entries.set(keyOf(id), payload, expiresIn === undefined ? {} : { ttl: expiresIn * 1000 });
      },
      consume: async (id) => {
        const payload = this.#entries.get(keyOf(id));
        if (payload !== undefined) {
          payload.consumed = Math.floor(Date.now() / 1000);
        }
      },
      destroy: async (id) => {
        this.#entries.delete(keyOf(id));
      },
      revokeByGrantId: async (grantId) => {
        const keys = Array.from(this.#keysWhere(kind, (payload) => payload.grantId === grantId));
        keys.forEach((key) => this.#entries.delete(key));
      },
    };
  }

  *#keysWhere(kind: string, isIt: (payload: AdapterPayload) => boolean): Generator<string> {
    for (const [key, payload] of this.#entries.entries()) {
      if (key.startsWith(`${kind}:`) && isIt(payload)) {
        yield key;
      }
    }
  }
}
