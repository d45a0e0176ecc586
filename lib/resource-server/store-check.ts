import type { OnModuleInit } from '@nestjs/common';

import type { OperatorPort } from '../events/operator-events.js';
import type { OidcStore } from '../storage/oidc-store.js';

/** Warns at boot when the store may forget used proofs. The boot does not wait, so it works while the store is down. */
export class StoreCheck implements OnModuleInit {
  /** @param store undefined: no proofs are stored */
  constructor(
    private readonly store: OidcStore | undefined,
    private readonly operator: OperatorPort,
  ) {}

  onModuleInit(): void {
    this.#check().catch(() => undefined);
  }

  async #check(): Promise<void> {
    const weakness = await this.store?.weakness?.();
    if (weakness !== undefined) {
      this.operator.report({ kind: 'forgetful-store', weakness });
    }
  }
}
