import * as v from 'valibot';

import { TokenResponse, tokenResponseSchema } from '../tokens/token-response.js';
import type { Complete } from '../values/complete.js';
import type { JsonValue } from '../values/json.js';
import { keptOfTokensSchema, TokensNotKept } from './session-tokens.js';

/** Longer ways are not kept: each request would carry them. */
const MAX_RETURN_TO = 256;

/** A session, read from the form in which it is sealed or stored. Its expiry is kept beside it. */
export const sessionSchema = v.object({
  /** What the strategy's `validate` returned at the login. */
  user: v.custom<JsonValue>((value) => value !== undefined),
  /** The tokens of the login: for calls in the user's name, where `session.tokens` keeps them. */
  tokens: v.union([
    v.pipe(
      tokenResponseSchema,
      v.transform((members) => new TokenResponse(members)),
    ),
    v.pipe(
      keptOfTokensSchema,
      v.transform((members) => new TokensNotKept(members)),
    ),
  ]),
  /** The login that started it: its callback, loaded again, goes where it went. */
  startedBy: v.optional(
    v.object({
      /** A hash of its `state`. */
      login: v.string(),
      returnTo: v.string(),
    }),
  ),
});

/** What a login leaves behind. */
export type NewSession = Readonly<v.InferOutput<typeof sessionSchema>>;

/** The login that started a session. */
export type StartedBy = NonNullable<NewSession['startedBy']>;

/** A session that is still good. Printed or serialised it shows no token. */
export interface SessionContent extends Omit<NewSession, 'startedBy'> {
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** A session as guards and logins read it. */
export interface KeptSession extends SessionContent, NewSession {}

/** A session in JSON. The tokens are in it in clear. */
export type StoredSession = Readonly<v.InferInput<typeof sessionSchema>>;

export function toStored({ user, tokens, startedBy }: NewSession): StoredSession {
  return {
    user,
    tokens: tokens instanceof TokenResponse ? TokenResponse.toStored(tokens) : TokensNotKept.toStored(tokens),
    startedBy: startedBy !== undefined && startedBy.returnTo.length <= MAX_RETURN_TO ? startedBy : undefined,
  } satisfies Complete<StoredSession>;
}

/** Undefined where another version of this library wrote it. */
export function fromStored(value: unknown, expiresAt: number): KeptSession | undefined {
  const { success, output } = v.safeParse(sessionSchema, value);
  return success ? Object.freeze({ ...output, expiresAt }) : undefined;
}
