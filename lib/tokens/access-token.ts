import type { PublishedServer } from '../authorization-server/published-server.js';
import { VerificationError } from '../errors/errors.js';
import { factOf } from '../errors/oidc.error.js';
import { verifyJwt } from '../jose/jwt.js';
import type { JsonObject, JsonValue } from '../values/json.js';
import {
  ANY,
  NUMERIC_DATE,
  SPACE_SEPARATED,
  TEXT,
  wrongMember,
  type MemberType,
  type MemberTypes,
} from '../values/tolerant-reader.js';
import type { AccessTokenReader } from './access-token-reader.js';
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

/** What a JWT access token is checked against, beside its issuer and its times. */
export interface SignedAccessTokenOptions {
  /** Knows the kind of token, and whom it must be for. */
  readonly reader: AccessTokenReader;
  /** The algorithms that may have signed it. Default: every asymmetric one, or those of the security profile. */
  readonly algorithms?: readonly string[] | undefined;
}

/** A time that AD FS writes as text: `2030-03-17T17:46:40.000Z`. */
const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;

const AUTH_TIME: MemberType = {
  ...NUMERIC_DATE,
  read: (value) =>
    typeof value === 'string' && ISO_TIME.test(value) ? Date.parse(value) / 1000 : NUMERIC_DATE.read(value),
};

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
  auth_time: AUTH_TIME,
  aud: ANY,
  token_use: ANY,
  typ: ANY,
};

/** The first claim that is of another type than the specifications give it. */
export function wrongClaim(claims: JsonObject): string | undefined {
  return wrongMember(claims, CLAIM_TYPES);
}

/**
 * Verifies the signature and the claims of a JWT access token by a profile (that of RFC 9068, section 4, is one). Anybody
 * can make one up: a cool-down limits how often an unknown key causes a refetch of the server's keys.
 *
 * @throws {VerificationError} it is no access token of this server for this API, or expired, or not yet valid
 */
export async function verifyAccessToken(
  server: PublishedServer,
  token: string,
  { reader, algorithms = server.algorithms }: SignedAccessTokenOptions,
): Promise<AccessTokenClaims> {
  requireTokenText(token);
  const keys = (): ReturnType<PublishedServer['strangersKeys']> => server.strangersKeys();
  const { claims } = await verifyJwt(token, reader.purpose, {
    issuer: server.accessTokenIssuer,
    audience: reader.hasAudienceClaim ? undefined : reader.audience,
    algorithms,
    clock: server.clock,
    keys,
    claimTypes: CLAIM_TYPES,
  });
  requireClaims(claims);
  requireMarks(claims, reader);
  return claims;
}

/** @throws {VerificationError} it is no access token of the profile, or for another API */
function requireMarks(claims: JsonObject, reader: AccessTokenReader): void {
  const missing = reader.missingMark(claims);
  if (missing !== undefined) {
    const facts = { claim: missing.claim, wanted: missing.wanted };
    throw new VerificationError('TYP_MISMATCH', 'The access token lacks a mark of its profile.', { facts });
  }
  if (!reader.isForUs(claims)) {
    const facts = { aud: factOf(claims['aud']), wanted: reader.audience };
    throw new VerificationError('AUD_MISMATCH', 'The access token is meant for another audience.', { facts });
  }
}

function requireClaims(claims: JsonObject): asserts claims is AccessTokenClaims {
  const wrong = wrongClaim(claims);
  if (wrong !== undefined) {
    throw new VerificationError('CLAIM_INVALID', `The access token has a wrong claim: ${wrong}.`);
  }
}
