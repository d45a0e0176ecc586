import type { OnModuleInit } from '@nestjs/common';

import type { OidcStore } from '../storage/oidc-store.js';

/** Says at boot what can make the store forget a used proof. Nobody waits: an application starts while its store is down. */
export class StoreCheck implements OnModuleInit {
  /** @param store undefined: nothing is kept that must not be forgotten */
  constructor(
    private readonly store: OidcStore | undefined,
    private readonly warn: (problem: string) => void,
  ) {}

  onModuleInit(): void {
    this.#check().catch(() => undefined);
  }

  async #check(): Promise<void> {
    const weakness = await this.store?.weakness?.();
    if (weakness !== undefined) {
      this.warn(weakness);
    }
  }
}
