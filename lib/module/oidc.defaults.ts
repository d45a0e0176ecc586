import { Inject, Injectable, Module } from '@nestjs/common';
import type { Dispatcher } from 'undici';

import type { Now } from '../clock/clock.js';
import { OIDC_CLOCK, OIDC_CLOCK_SKEW, OIDC_CLOCK_TOLERANCE, OIDC_DISPATCHER } from '../nest/tokens.js';

/** Seconds by which the server's clock may differ from ours, where `OIDC_CLOCK_TOLERANCE` says nothing else. */
export const CLOCK_TOLERANCE = 30;

/** Default values of the public injection tokens. */
@Injectable()
export class OidcDefaults {
  constructor(
    @Inject(OIDC_CLOCK) readonly now: Now,
    @Inject(OIDC_CLOCK_SKEW) readonly skew: number,
    @Inject(OIDC_CLOCK_TOLERANCE) readonly tolerance: number,
    /** Undefined: the transport makes its own pool. */
    @Inject(OIDC_DISPATCHER) readonly dispatcher: Dispatcher | undefined,
  ) {}
}

/**
 * Module of the defaults. It declares the public injection tokens, so that `overrideProvider` finds them. No exports:
 * exported tokens would shadow those of an imported or a global module.
 */
@Module({
  providers: [
    { provide: OIDC_CLOCK, useValue: Date.now },
    { provide: OIDC_CLOCK_SKEW, useValue: 0 },
    { provide: OIDC_CLOCK_TOLERANCE, useValue: CLOCK_TOLERANCE },
    { provide: OIDC_DISPATCHER, useFactory: () => undefined },
    OidcDefaults,
  ],
  exports: [OidcDefaults],
})
export class OidcDefaultsModule {}
