import * as v from 'valibot';

import { secretsSchema } from '../values/secrets.schema.js';

/** How the local session is kept. Required once a login or session guard is used. */
export const sessionOptionsSchema = v.strictObject({
  /**
   * What cookies are sealed with: random, at least 32 bytes each. The first seals, all of them open, so that a new one is
   * put in front and an old one removed when its sessions are over.
   */
  secret: secretsSchema,
  /** Seconds from the login until the session ends, however it is used. Default: 28800, eight hours. */
  absoluteLifetime: v.optional(
    v.pipe(v.number(), v.integer('must be whole seconds'), v.minValue(1, 'must be at least a second')),
    28_800,
  ),
  /**
   * Keeps the access and refresh token in the session, for calls to an API in the user's name. Default false: a cookie that
   * nobody needs takes room in each request.
   */
  tokens: v.optional(v.boolean(), false),
});

/** `session`, as an application writes it. */
export type SessionOptions = v.InferInput<typeof sessionOptionsSchema>;

/** `session`, with its defaults and its secrets wrapped. */
export type SessionSettings = v.InferOutput<typeof sessionOptionsSchema>;
