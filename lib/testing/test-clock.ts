/** A length of time. Its parts are added. */
export interface TestDuration {
  readonly days?: number;
  readonly hours?: number;
  readonly minutes?: number;
  readonly seconds?: number;
}

/**
 * A clock that goes as the machine's does, and can be put forward. The provider has one; give the application the same:
 *
 * ```ts
 * import { Test } from '@nestjs/testing';
 * import { OIDC_CLOCK } from 'nestjs-oidc';
 * import { TestClock, TestProvider } from 'nestjs-oidc/testing';
 * import { AppModule } from './app.module.js';
 *
 * const clock = new TestClock();
 * const provider = await TestProvider.start({ clock });
 * await Test.createTestingModule({ imports: [AppModule] }).overrideProvider(OIDC_CLOCK).useValue(clock.now).compile();
 * clock.advance({ minutes: 5 });
 * await provider.close();
 * ```
 */
export class TestClock {
  #ahead = 0;

  /** The time as `OIDC_CLOCK` gives it: milliseconds since the epoch. */
  readonly now = (): number => Date.now() + this.#ahead;

  /** Whole seconds since the epoch, as in a token. */
  get seconds(): number {
    return Math.floor(this.now() / 1000);
  }

  /** Puts it forward; nothing waits. */
  advance({ days = 0, hours = 0, minutes = 0, seconds = 0 }: TestDuration): void {
    this.#ahead += (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000;
  }
}
