import { Inject, Injectable, Module } from '@nestjs/common';

import type { Now } from './clock/clock.js';
import { OIDC_CLOCK, OIDC_CLOCK_SKEW, OIDC_CLOCK_TOLERANCE } from './nest/tokens.js';

/** What the clock is where nobody provides another. */
@Injectable()
export class ClockDefaults {
  constructor(
    @Inject(OIDC_CLOCK) readonly now: Now,
    @Inject(OIDC_CLOCK_SKEW) readonly skew: number,
    @Inject(OIDC_CLOCK_TOLERANCE) readonly tolerance: number,
  ) {}
}

/**
 * Declares the defaults of the clock's tokens where `overrideProvider` finds them, and keeps the tokens to itself: were
 * they exported, or declared in `OidcModule`, they would stand before those of an imported or a global module.
 */
@Module({
  providers: [
    { provide: OIDC_CLOCK, useValue: Date.now },
    { provide: OIDC_CLOCK_SKEW, useValue: 0 },
    { provide: OIDC_CLOCK_TOLERANCE, useValue: 30 },
    ClockDefaults,
  ],
  exports: [ClockDefaults],
})
export class ClockDefaultsModule {}
