import * as v from 'valibot';

import { TokenResponse, tokenResponseSchema } from '../tokens/token-response.js';
import type { Complete } from '../values/complete.js';
import type { JsonValue } from '../values/json.js';
import { keptOfTokensSchema, TokensNotKept } from './session-tokens.js';

/** Maximum length of a stored return URL, in characters: each request carries it in the cookie. */
const MAX_RETURN_TO = 256;

/** Schema of a sealed or stored session. Its expiry is not part of it. */
export const sessionSchema = v.object({
  /** What the strategy's `validate` returned at the login. */
  user: v.custom<JsonValue>((value) => value !== undefined),
  /** The tokens of the login. With `session.tokens` they include the access token, for calls on behalf of the user. */
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
  /** The login that started it. Loading its callback again redirects to the same return URL. */
  startedBy: v.optional(
    v.object({
      /** A hash of its `state`. */
      login: v.string(),
      returnTo: v.string(),
    }),
  ),
});

/** A session that a login starts. */
export type NewSession = Readonly<v.InferOutput<typeof sessionSchema>>;

/** The login that started a session. */
export type StartedBy = NonNullable<NewSession['startedBy']>;

/** A valid session. Printed or serialised it shows no token. */
export interface SessionContent extends Omit<NewSession, 'startedBy'> {
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** A valid session with the login that started it, for guards and logins. */
export interface KeptSession extends SessionContent, NewSession {}

/** A session as JSON. Its tokens are in clear. */
export type StoredSession = Readonly<v.InferInput<typeof sessionSchema>>;

export function toStored({ user, tokens, startedBy }: NewSession): StoredSession {
  return {
    user,
    tokens: tokens instanceof TokenResponse ? TokenResponse.toStored(tokens) : TokensNotKept.toStored(tokens),
    startedBy: startedBy !== undefined && startedBy.returnTo.length <= MAX_RETURN_TO ? startedBy : undefined,
  } satisfies Complete<StoredSession>;
}

/** Reads a stored session; undefined if another version of this library wrote it. */
export function fromStored(value: unknown, expiresAt: number): KeptSession | undefined {
  const { success, output } = v.safeParse(sessionSchema, value);
  return success ? Object.freeze({ ...output, expiresAt }) : undefined;
}
