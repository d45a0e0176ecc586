import * as v from 'valibot';

import { TokenResponse } from '../client/token-response.js';
import type { JsonValue } from '../http/json.js';
import { DpopKey } from '../jose/dpop-key.js';
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
    dpop_jwk: v.optional(v.record(v.string(), v.string())),
  }),
});

/** What is sealed into the cookie: the user and the tokens, nothing that can be had from them. */
export function toSealed({ user, tokens }: NewSession): unknown {
  const { access_token, token_type, scope, expires_at, id_token, refresh_token, dpop_key } = tokens;
  const dpop_jwk = dpop_key?.toJwk();
  return { user, tokens: { access_token, token_type, scope, expires_at, id_token, refresh_token, dpop_jwk } };
}

/** Undefined where another version of this library wrote it. */
export function fromSealed(value: unknown, expiresAt: number): SessionContent | undefined {
  const { success, output } = v.safeParse(sealedSchema, value);
  if (!success) {
    return undefined;
  }
  const { dpop_jwk, ...members } = output.tokens;
  const tokens = new TokenResponse({ ...members, dpop_key: DpopKey.fromJwk(dpop_jwk) });
  return Object.freeze({ user: output.user, tokens, expiresAt });
}
