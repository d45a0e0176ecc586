/** The time at the provider, which the application under test shares. */
export interface ProviderClock {
  /** Whole seconds since the epoch. */
  readonly seconds: number;
  /** Milliseconds since the epoch. */
  now(): number;
}
