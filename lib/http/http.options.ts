import * as v from 'valibot';

const positive = v.pipe(v.number(), v.integer('must be a whole number'), v.minValue(1, 'must be at least 1'));

export const httpOptionsSchema = v.strictObject({
  /** Milliseconds for a whole call, retries included. Default 5000; refreshes in the background take 10000. */
  timeout: v.optional(positive, 5000),
  /** Milliseconds until a connection stands. Default 2000. */
  connectTimeout: v.optional(positive, 2000),
  /** Bytes of an answer's body. Default 524288. */
  maxResponseSize: v.optional(positive, 524_288),
  /** How many objects and arrays may stand in each other. Default 32. */
  maxJsonDepth: v.optional(positive, 32),
  /**
   * Calls to one endpoint at the same time. Ten times as many wait for a place, a tenth of `timeout` each; who finds none
   * is refused (`UPSTREAM_BUSY`). Default 128.
   */
  maxConcurrent: v.optional(positive, 128),
});

/**
 * Limits of every call to the server. After ten calls in a row that failed (silence, 5xx, 429) it is left alone for five
 * seconds, or as long as its `Retry-After` says, an hour at most; then one call goes ahead and decides for the others.
 */
export type HttpOptions = v.InferInput<typeof httpOptionsSchema>;

export type HttpSettings = v.InferOutput<typeof httpOptionsSchema>;
