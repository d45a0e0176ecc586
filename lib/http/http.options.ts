import * as v from 'valibot';

const positive = v.pipe(v.number(), v.integer('must be a whole number'), v.minValue(1, 'must be at least 1'));

export const httpOptionsSchema = v.strictObject({
  /** Milliseconds for a whole call, retries included. Default 5000. Background refreshes have 10000. */
  timeout: v.optional(positive, 5000),
  /** Milliseconds to connect. Default 2000. */
  connectTimeout: v.optional(positive, 2000),
  /** Bytes of an answer's body. Default 524288. */
  maxResponseSize: v.optional(positive, 524_288),
  /** Nesting of objects and arrays in an answer. Default 32. */
  maxJsonDepth: v.optional(positive, 32),
  /**
   * Concurrent calls to one endpoint. Default 128. Ten times as many callers may queue, each for a tenth of `timeout`;
   * the others fail with `UPSTREAM_BUSY`.
   */
  maxConcurrent: v.optional(positive, 128),
});

/**
 * Limits of every call to the server.
 *
 * A circuit breaker, which has no options, opens after ten failures in a row (no answer, 502, 503, 504) or one 429. It stays
 * open for five seconds, or as long as `Retry-After` says, an hour at most.
 */
export type HttpOptions = v.InferInput<typeof httpOptionsSchema>;

/** The same with the defaults filled in. */
export type HttpSettings = v.InferOutput<typeof httpOptionsSchema>;
