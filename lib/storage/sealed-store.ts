import * as v from 'valibot';

import type { Now } from '../clock/clock.js';
import type { OidcStore } from './oidc-store.js';
import type { Sealer } from './sealer.js';

/** What a {@link SealedStore} keeps. */
export interface SealedKind<Schema extends v.GenericSchema> {
  /** It stands before the keys in the store, and has a sealing key of its own. */
  readonly name: string;
  readonly schema: Schema;
}

/** A value that is still good. */
export interface KeptValue<Value> {
  readonly value: Value;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/**
 * Values of one kind in the store that replicas share, sealed: who reads the store learns none, and who writes to it can't slip
 * one in.
 *
 * @throws {StoreError} from each method: the store can't be reached
 */
export class SealedStore<Schema extends v.GenericSchema> {
  constructor(
    private readonly store: OidcStore,
    private readonly sealer: Sealer,
    private readonly now: Now,
    private readonly kind: SealedKind<Schema>,
  ) {}

  /** Undefined: there is none, it has expired, or another version of this library wrote it. */
  async get(key: string): Promise<KeptValue<v.InferOutput<Schema>> | undefined> {
    return this.#opened(key, await this.store.get(this.#nameOf(key)));
  }

  /** Gets a value and deletes it: exactly one of several callers gets it. */
  async take(key: string): Promise<KeptValue<v.InferOutput<Schema>> | undefined> {
    return this.#opened(key, await this.store.take(this.#nameOf(key)));
  }

  /** @param expiresAt milliseconds since the epoch */
  async set(key: string, value: v.InferInput<Schema>, expiresAt: number): Promise<void> {
    const sealed = this.sealer.seal(this.kind.name, key, value, expiresAt);
    await this.store.set(this.#nameOf(key), sealed, Math.max(1, expiresAt - this.now()));
  }

  async delete(key: string): Promise<void> {
    await this.store.delete(this.#nameOf(key));
  }

  /** Deletes a value that is this one, unless a replica puts another there meanwhile. */
  async deleteIf(key: string, isThis: (value: v.InferOutput<Schema>) => boolean): Promise<void> {
    const sealed = await this.store.get(this.#nameOf(key));
    const kept = this.#opened(key, sealed);
    if (sealed !== undefined && kept !== undefined && isThis(kept.value)) {
      await this.store.replace(this.#nameOf(key), sealed, '', 1);
    }
  }

  #opened(key: string, sealed: string | undefined): KeptValue<v.InferOutput<Schema>> | undefined {
    const opened = sealed === undefined ? undefined : this.sealer.open(this.kind.name, key, sealed, this.now());
    if (opened?.status !== 'open') {
      return undefined;
    }
    const { success, output } = v.safeParse(this.kind.schema, opened.value);
    return success ? { value: output, expiresAt: opened.expiresAt } : undefined;
  }

  #nameOf(key: string): string {
    return `${this.kind.name}:${key}`;
  }
}
