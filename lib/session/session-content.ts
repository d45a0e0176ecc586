import * as v from 'valibot';

import { TokenResponse } from '../client/token-response.js';
import type { JsonValue } from '../http/json.js';
import type { NewSession } from './session.port.js';

/** A session that is still good. Printed or serialised it shows no token. */
export interface SessionContent {
  /** What the strategy's `validate` returned at the login. */
  readonly user: JsonValue;
  /** The tokens of the login, for calls in the user's name. */
  readonly tokens: TokenResponse;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

const sealedSchema = v.object({
  user: v.custom<JsonValue>((value) => value !== undefined),
  tokens: v.object({
    access_token: v.string(),
    token_type: v.string(),
    scope: v.string(),
    expires_at: v.optional(v.number()),
    id_token: v.optional(v.string()),
    refresh_token: v.optional(v.string()),
  }),
});

/** What is sealed into the cookie: the user and the tokens, nothing that can be had from them. */
export function toSealed({ user, tokens }: NewSession): unknown {
  const { access_token, token_type, scope, expires_at, id_token, refresh_token } = tokens;
  return { user, tokens: { access_token, token_type, scope, expires_at, id_token, refresh_token } };
}

/** Undefined where another version of this library wrote it. */
export function fromSealed(value: unknown, expiresAt: number): SessionContent | undefined {
  const { success, output } = v.safeParse(sealedSchema, value);
  return success
    ? Object.freeze({ user: output.user, tokens: new TokenResponse(output.tokens), expiresAt })
    : undefined;
}
