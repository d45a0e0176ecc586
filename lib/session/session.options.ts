import * as v from 'valibot';

import { Secret } from '../errors/secret.js';

/** 256 bits, if they are random: what the session's cipher has. */
const MIN_SECRET_BYTES = 32;

const secret = v.pipe(
  v.string(),
  v.check((value) => Buffer.byteLength(value) >= MIN_SECRET_BYTES, `must be at least ${MIN_SECRET_BYTES} bytes`),
  v.transform((value) => new Secret(value)),
);

const oneSecret = v.pipe(
  secret,
  v.transform((value) => [value]),
);

const secrets = v.pipe(v.array(secret), v.nonEmpty('must hold at least one secret'));

/** How the local session is kept. Required once a login or session guard is used. */
export const sessionOptionsSchema = v.strictObject({
  /**
   * What cookies are sealed with: random, at least 32 bytes each. The first seals, all of them open, so that a new one is
   * put in front and an old one removed when its sessions are over.
   */
  secret: v.lazy((value) => (Array.isArray(value) ? secrets : oneSecret)),
  /** Seconds from the login until the session ends, however it is used. Default: 28800, eight hours. */
  absoluteLifetime: v.optional(
    v.pipe(v.number(), v.integer('must be whole seconds'), v.minValue(1, 'must be at least a second')),
    28_800,
  ),
});

/** `session`, as an application writes it. */
export type SessionOptions = v.InferInput<typeof sessionOptionsSchema>;

/** `session`, with its defaults and its secrets wrapped. */
export type SessionSettings = v.InferOutput<typeof sessionOptionsSchema>;
