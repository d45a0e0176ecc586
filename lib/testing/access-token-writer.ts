import { randomUUID } from 'node:crypto';

import type { AccessTokenProfile } from '../tokens/access-token-profile.js';
import { claimsByProfile, typByProfile } from '../tokens/profiled-claims.js';
import type { JsonObject } from '../values/json.js';
import { randomValue, type IssuedAccessToken } from './provider/issued.js';
import { jws, type SigningKey } from './provider/keys.js';

/** What an access token says. */
export interface AccessTokenContent {
  /** That of the client where the token is its own (RFC 9068, section 2.2). */
  readonly sub: string;
  readonly clientId: string;
  /** Empty: none. */
  readonly scope: string;
  readonly roles: readonly string[];
  readonly audience: string | readonly string[];
  /** Seconds from now on; less than 0: it is over already. */
  readonly expiresIn: number;
  /** What it is bound to. */
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
  readonly alg: string;
  readonly key: SigningKey;
}

/** An access token in the shape of a profile. Introspection knows it, whether or not it is a JWT (RFC 7662, section 2.2). */
export function writeAccessToken(content: AccessTokenContent, by: AccessTokenIssuer): IssuedAccessToken {
  const claims = claimsOf(content, by);
  const header = { alg: by.alg, kid: by.key.kid, typ: typByProfile(by.profile) };
  return {
    value: content.isJwt ? jws(header, claims, by.key) : randomValue(),
    members: { token_type: content.cnf?.['jkt'] === undefined ? 'Bearer' : 'DPoP', ...claims },
  };
}

function claimsOf(content: AccessTokenContent, { issuer, now, profile }: AccessTokenIssuer): JsonObject {
  const { sub, clientId, scope, roles, audience: audiences, expiresIn, cnf } = content;
  const [audience = ''] = [audiences].flat();
  return {
    ...claimsByProfile(profile, { clientId, audience, scope, roles, now }),
    iss: issuer,
    sub,
    client_id: clientId,
    ...(scope !== '' && { scope }),
    iat: now,
    nbf: now,
    exp: now + expiresIn,
    jti: randomUUID(),
    ...(cnf !== undefined && { cnf }),
    ...(profile.audience === undefined ? { aud: audiences } : { [profile.audience]: audience }),
    ...content.claims,
  };
}
