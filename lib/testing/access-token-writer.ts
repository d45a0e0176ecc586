import { randomUUID } from 'node:crypto';

import type { AccessTokenProfile } from '../tokens/access-token-profile.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../values/json.js';
import { randomValue, type IssuedAccessToken } from './provider/issued.js';
import { jws, type SigningKey } from './provider/keys.js';

/** What an access token says, wherever a profile puts it. */
export interface AccessTokenContent {
  /** Undefined: nobody's, as a client's own token. */
  readonly sub: string | undefined;
  readonly client_id: string;
  readonly scope: string | undefined;
  readonly roles: readonly string[] | undefined;
  readonly audience: string | readonly string[];
  /** Seconds from now on; less than 0: it is over already. */
  readonly expiresIn: number;
  /** The key that it is bound to. */
  readonly cnf: JsonObject | undefined;
  /** Stand above all others. */
  readonly claims: JsonObject;
  readonly isJwt: boolean;
}

/** Who issues a token. */
export interface AccessTokenIssuer {
  readonly issuer: string;
  /** Seconds since the epoch. */
  readonly now: number;
  readonly profile: AccessTokenProfile;
  readonly key: SigningKey;
}

/** What every key of P-256 signs with; all profiles take it, those of FAPI too. */
export const SIGNED_WITH = 'ES256';

/** An access token in the shape of a profile. Introspection knows it, whether or not it is a JWT (RFC 7662, section 2.2). */
export function writeAccessToken(content: AccessTokenContent, by: AccessTokenIssuer): IssuedAccessToken {
  const claims = claimsOf(content, by);
  const { typ } = by.profile;
  const header = { alg: SIGNED_WITH, kid: by.key.kid, ...(typ[0] !== '' && { typ: typ[0] }) };
  const { client_id, scope, cnf } = content;
  return {
    value: content.isJwt ? jws(header, claims, by.key) : randomValue(),
    members: {
      client_id,
      ...(scope !== undefined && { scope }),
      token_type: cnf?.['jkt'] ? 'DPoP' : 'Bearer',
      ...claims,
    },
  };
}

function claimsOf(content: AccessTokenContent, { issuer, now, profile }: AccessTokenIssuer): JsonObject {
  const { sub, client_id, scope, roles, audience, expiresIn, cnf } = content;
  const claims: JsonObject = {
    iss: issuer,
    ...(sub !== undefined && { sub }),
    iat: now,
    nbf: now,
    exp: now + expiresIn,
    jti: randomUUID(),
    ...(cnf !== undefined && { cnf }),
    ...named(profile.clientId, client_id),
    ...named(profile.scopes, scope),
    ...rolesClaims(profile, audience, roles),
    ...(profile.audience === undefined ? { aud: audience } : named(profile.audience, [audience].flat()[0])),
    ...content.claims,
  };
  return { ...required(profile, now), ...claims };
}

type Names = string | readonly string[] | undefined;

function first(names: Names): string | undefined {
  return typeof names === 'string' ? names : names?.[0];
}

function named(names: Names, value: JsonValue | undefined): JsonObject {
  const name = first(names);
  return name === undefined || value === undefined ? {} : { [name]: value };
}

/** Roles where a profile has them; its `*` stands for the API. */
export function rolesClaims(
  { roles: names }: AccessTokenProfile,
  audience: string | readonly string[],
  roles: readonly string[] | undefined,
): JsonObject {
  const path = first(names)?.split('.').toReversed() ?? [];
  const [api = ''] = [audience].flat();
  const claims = path.reduce<JsonValue>((below, part) => ({ [part === '*' ? api : part]: below }), roles ?? []);
  return roles !== undefined && isJsonObject(claims) ? claims : {};
}

/** What a profile tells its tokens by. */
function required({ require = {} }: AccessTokenProfile, now: number): JsonObject {
  return Object.fromEntries(
    Object.entries(require).map(([claim, wanted]): [string, JsonValue] => {
      if (wanted === true) {
        return [claim, claim === 'auth_time' ? now : 'test'];
      }
      return [claim, Array.isArray(wanted) ? wanted[0] : wanted];
    }),
  );
}
