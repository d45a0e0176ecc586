import * as v from 'valibot';

import type { VerifiedAccessToken } from './verified-access-token.js';

const identifier = v.pipe(v.string(), v.nonEmpty('must not be empty'));

/** The API's part of the options. */
export const resourceServerOptionsSchema = v.strictObject({
  /** What `aud` must hold one of; `false` is the written-out way not to check. */
  audience: v.union([v.pipe(v.array(identifier), v.nonEmpty('must name an audience')), identifier, v.literal(false)]),
  /** What becomes of the verified token as `request.user`; default: the token itself. */
  validate: v.optional(v.custom<ValidateAccessToken>((value) => typeof value === 'function', 'must be a function')),
});

/** Maps a verified token to the application's user. What it throws ends the request. */
export type ValidateAccessToken = (token: VerifiedAccessToken) => unknown;

export type ResourceServerOptions = v.InferOutput<typeof resourceServerOptionsSchema>;
