import * as v from 'valibot';

import { DpopKey } from '../jose/dpop-key.js';
import { TokenResponse } from '../tokens/token-response.js';
import type { JsonValue } from '../values/json.js';
import { TokensNotKept, type SessionTokens } from './session-tokens.js';
import type { StartedBy } from './session.port.js';

/** A session that is still good. Printed or serialised it shows no token. */
export interface SessionContent {
  /** What the strategy's `validate` returned at the login. */
  readonly user: JsonValue;
  /** The tokens of the login: for calls in the user's name, where `session.tokens` keeps them. */
  readonly tokens: SessionTokens;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** What a session's own readers see of it. */
export interface KeptSession extends SessionContent {
  readonly startedBy?: StartedBy | undefined;
}

/** Longer ways are not kept: each request would carry them. */
const MAX_RETURN_TO = 256;

const sealedSchema = v.object({
  user: v.custom<JsonValue>((value) => value !== undefined),
  tokens: v.object({
    access_token: v.optional(v.string()),
    token_type: v.optional(v.string()),
    scope: v.string(),
    expires_at: v.optional(v.number()),
    id_token: v.optional(v.string()),
    refresh_token: v.optional(v.string()),
    dpop_jwk: v.optional(v.record(v.string(), v.string())),
  }),
  startedBy: v.optional(v.object({ login: v.string(), returnTo: v.string() })),
});

/** What is sealed into the cookie: nothing that can be had from the rest of it. */
export function toSealed({ user, tokens, startedBy }: Pick<KeptSession, 'user' | 'tokens' | 'startedBy'>): unknown {
  const { access_token, token_type, scope, expires_at, id_token, refresh_token, dpop_key } = tokens;
  const dpop_jwk = dpop_key?.toJwk();
  return {
    user,
    tokens: { access_token, token_type, scope, expires_at, id_token, refresh_token, dpop_jwk },
    ...(startedBy !== undefined && startedBy.returnTo.length <= MAX_RETURN_TO && { startedBy }),
  };
}

/** Undefined where another version of this library wrote it. */
export function fromSealed(value: unknown, expiresAt: number): KeptSession | undefined {
  const { success, output } = v.safeParse(sealedSchema, value);
  if (!success) {
    return undefined;
  }
  const { user, startedBy } = output;
  return Object.freeze({ user, tokens: tokensOf(output.tokens), expiresAt, startedBy });
}

function tokensOf({ access_token, token_type, dpop_jwk, ...members }: v.InferOutput<typeof sealedSchema>['tokens']) {
  return access_token === undefined || token_type === undefined
    ? new TokensNotKept(members)
    : new TokenResponse({ ...members, access_token, token_type, dpop_key: DpopKey.fromJwk(dpop_jwk) });
}
