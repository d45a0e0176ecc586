import type { PublishedServer } from '../authorization-server/published-server.js';
import { VerificationError } from '../errors/errors.js';
import { ASYMMETRIC_ALGORITHMS } from '../jose/algorithms.js';
import { verifyJwt } from '../jose/jwt.js';
import { ACCESS_TOKEN } from '../jose/purpose.js';
import type { JsonObject, JsonValue } from '../values/json.js';
import { ANY, NUMERIC_DATE, SPACE_SEPARATED, TEXT, wrongMember, type MemberTypes } from '../values/tolerant-reader.js';
import { requireTokenText } from './token-text.js';
import { TOKEN_TYPE } from './token-type.js';

/** Claims of an access token, from introspection or from a JWT that the server signed. */
export interface AccessTokenClaims {
  readonly [claim: string]: JsonValue | undefined;

  readonly iss?: string;
  readonly sub?: string;
  readonly aud?: JsonValue;
  readonly client_id?: string;
  /** Space-separated. */
  readonly scope?: string;
  readonly token_type?: string;
  readonly jti?: string;
  /** Seconds since the epoch, as `nbf`, `iat` and `auth_time`. */
  readonly exp?: number;
  readonly nbf?: number;
  readonly iat?: number;
  /** When the end-user proved who they are, and how well (RFC 9470, section 6). */
  readonly auth_time?: number;
  readonly acr?: string;
  /** Confirmation: the key that the token is bound to (RFC 7800). */
  readonly cnf?: JsonValue;
}

/** Expectations for a JWT access token, beside its issuer and its times. */
export interface AccessTokenOptions {
  /** One of them must be in `aud`; left out: not checked. */
  readonly audience?: readonly string[] | undefined;
  /** Accepted signature algorithms. Default: every asymmetric one. */
  readonly algorithms?: readonly string[] | undefined;
}

/**
 * The types of the claims, from the specifications; `token_use` and `typ` are what providers add. `cnf` is left out:
 * even a `null` in it binds the token to something that is not understood.
 */
export const CLAIM_TYPES: MemberTypes = {
  iss: TEXT,
  sub: TEXT,
  client_id: TEXT,
  scope: SPACE_SEPARATED,
  token_type: TOKEN_TYPE,
  jti: TEXT,
  acr: TEXT,
  exp: NUMERIC_DATE,
  nbf: NUMERIC_DATE,
  iat: NUMERIC_DATE,
  auth_time: NUMERIC_DATE,
  aud: ANY,
  token_use: ANY,
  typ: ANY,
};

/** The first claim that is of another type than the specifications give it. */
export function wrongClaim(claims: JsonObject): string | undefined {
  return wrongMember(claims, CLAIM_TYPES);
}

/**
 * Verifies the signature and the claims of a JWT access token (RFC 9068, section 4). Anybody can make one up: a
 * cool-down limits how often an unknown key causes a refetch of the server's keys.
 *
 * @throws {VerificationError} it is no access token of this server for this API, or expired, or not yet valid
 */
export async function verifyAccessToken(
  server: PublishedServer,
  token: string,
  { audience, algorithms = ASYMMETRIC_ALGORITHMS }: AccessTokenOptions = {},
): Promise<AccessTokenClaims> {
  requireTokenText(token);
  const keys = (): ReturnType<PublishedServer['strangersKeys']> => server.strangersKeys();
  const { claims } = await verifyJwt(token, ACCESS_TOKEN, {
    issuer: server.accessTokenIssuer,
    audience,
    algorithms,
    clock: server.clock,
    keys,
    claimTypes: CLAIM_TYPES,
  });
  requireClaims(claims);
  return claims;
}

function requireClaims(claims: JsonObject): asserts claims is AccessTokenClaims {
  const wrong = wrongClaim(claims);
  if (wrong !== undefined) {
    throw new VerificationError('CLAIM_INVALID', `The access token has a wrong claim: ${wrong}.`);
  }
}
