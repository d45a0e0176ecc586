import * as v from 'valibot';

import { secretsSchema } from '../values/secrets.schema.js';

/** Schema of the `session` option. Login and session guards require it. */
export const sessionOptionsSchema = v.strictObject({
  /**
   * Secrets that seal the cookies: random, at least 32 bytes each. The first seals, all of them open. To rotate, put a new
   * one in front and remove the old one when its sessions have ended.
   */
  secret: secretsSchema,
  /** Seconds from the login to the end of the session, even if it is in use. Default: 28800, eight hours. */
  absoluteLifetime: v.optional(
    v.pipe(v.number(), v.integer('must be whole seconds'), v.minValue(1, 'must be at least a second')),
    28_800,
  ),
  /**
   * Keeps the access and refresh token in the session, for API calls on behalf of the user. Default false, because they
   * make the cookies of each request larger.
   */
  tokens: v.optional(v.boolean(), false),
});

/** `session`, as an application writes it. */
export type SessionOptions = v.InferInput<typeof sessionOptionsSchema>;

/** `session`, with its defaults and its secrets wrapped. */
export type SessionSettings = v.InferOutput<typeof sessionOptionsSchema>;
