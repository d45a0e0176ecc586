import * as v from 'valibot';

import { Secret } from './secret.js';

/** 256 bits if they are random: as many as the keys have that are derived from a secret. */
const MIN_SECRET_BYTES = 32;

const TOO_SHORT = `must be at least ${MIN_SECRET_BYTES} bytes, as \`openssl rand -base64 ${MIN_SECRET_BYTES}\` makes them`;

const secret = v.pipe(
  v.string(),
  v.check((value) => Buffer.byteLength(value) >= MIN_SECRET_BYTES, TOO_SHORT),
  v.transform((value) => new Secret(value)),
);

const oneSecret = v.pipe(
  secret,
  v.transform((value) => [value]),
);

const secrets = v.pipe(v.array(secret), v.nonEmpty('must hold at least one secret'));

/** Schema of one secret or several. The first one is used and all are accepted: to rotate, put the new one in front. */
export const secretsSchema = v.lazy((value) => (Array.isArray(value) ? secrets : oneSecret));
