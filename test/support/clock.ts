/** What every test starts at: 2027-01-15, in seconds. */
export const T = 1_800_000_000;

/**
 * A clock that moves only when it is told to. Provider, application and browser of a test share one.
 *
 * ```ts
 * const clock = new TestClock();
 * clock.advance(3600);
 * clock.seconds; // 1_800_003_600
 * ```
 */
export class TestClock {
  constructor(
    /** Seconds since the epoch. */
    public seconds: number = T,
  ) {}

  advance(seconds: number): void {
    this.seconds += seconds;
  }

  /** As `OIDC_CLOCK` wants it: milliseconds, bound to this clock. */
  readonly now = (): number => this.seconds * 1000;
}
