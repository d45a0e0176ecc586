import * as v from 'valibot';

import { noAccessTokenSchema, NoAccessToken } from '../tokens/login-tokens.js';
import { TokenResponse, tokenResponseSchema } from '../tokens/token-response.js';
import type { Complete } from '../values/complete.js';
import type { JsonValue } from '../values/json.js';

/** Maximum length of a stored return URL, in characters: each request carries it in the cookie. */
const MAX_RETURN_TO = 256;

/** Characters of a sealed session in a store: access, refresh and ID token of 16 KB each, and as much of the user. */
export const MAX_STORED_LENGTH = 131_072;

/** Schema of a sealed or stored session. Its expiry is not part of it. */
export const sessionSchema = v.object({
  /** What the strategy's `validate` returned at the login. */
  user: v.custom<JsonValue>((value) => value !== undefined),
  /**
   * The tokens of the login. With `session.tokens` they include the access token, for calls on behalf of the user. Printed or
   * serialised they leave it out.
   */
  tokens: v.union([
    v.pipe(
      tokenResponseSchema,
      v.transform((members) => new TokenResponse(members)),
    ),
    v.pipe(
      noAccessTokenSchema,
      v.transform((members) => new NoAccessToken(members)),
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
  /** Its user as the provider names them, so that the provider can end it. */
  identity: v.optional(
    v.object({
      sub: v.string(),
      /** The provider's session (OpenID Connect Back-Channel Logout 1.0, section 2.1). */
      sid: v.optional(v.string()),
      /** The browser's session at the provider (OpenID Connect Session Management 1.0, section 2). Whoever sits there can change it. */
      session_state: v.optional(v.string()),
    }),
  ),
  /** Whether its cookie outlives the browser. */
  isPersistent: v.optional(v.literal(true)),
  /** Milliseconds since the epoch, where a list of ended sessions has to be compared with it. */
  startedAt: v.optional(v.number()),
  /** The last use that was written down, with `session.idleLifetime`: milliseconds since the epoch. */
  usedAt: v.optional(v.number()),
});

type ReadSession = Readonly<v.InferOutput<typeof sessionSchema>>;

/** A session that a login starts. */
export type NewSession = Omit<ReadSession, 'usedAt'>;

/** The user of a session, as the provider names them. */
export type SessionIdentity = NonNullable<NewSession['identity']>;

/**
 * A valid session. Printed or serialised it shows no token, not even that there is one: with `session.tokens` read
 * `tokens.access_token` itself.
 */
export interface SessionContent<User = JsonValue> extends Pick<NewSession, 'tokens'> {
  /** What the strategy's `validate` made of the claims at the login, or `session.validate` for this request. */
  readonly user: User;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** A valid session with everything that is kept of it, for guards and logins. */
export interface KeptSession extends SessionContent, ReadSession {}

/** A session whose user the application accepts in this request. */
export interface AcceptedContent extends SessionContent<unknown>, Pick<ReadSession, 'identity'> {}

/** A session as JSON. Its tokens are in clear. */
export type StoredSession = Readonly<v.InferInput<typeof sessionSchema>>;

export function toStored({
  user,
  tokens,
  startedBy,
  identity,
  isPersistent,
  startedAt,
  usedAt,
}: ReadSession): StoredSession {
  return {
    user,
    tokens: tokens instanceof TokenResponse ? TokenResponse.toStored(tokens) : NoAccessToken.toStored(tokens),
    startedBy: startedBy !== undefined && startedBy.returnTo.length <= MAX_RETURN_TO ? startedBy : undefined,
    identity,
    isPersistent,
    startedAt,
    usedAt,
  } satisfies Complete<StoredSession>;
}

/** Reads a stored session; undefined if another version of this library wrote it. */
export function fromStored(value: unknown, expiresAt: number): KeptSession | undefined {
  const { success, output } = v.safeParse(sessionSchema, value);
  return success ? Object.freeze({ ...output, expiresAt }) : undefined;
}
