import type { PublishedServer } from '../authorization-server/published-server.js';
import { ResponseError } from '../errors/errors.js';
import { OidcError } from '../errors/oidc.error.js';
import { parseClaims, parseCompactJws } from '../jose/compact-jws.js';
import { givenKeys } from '../jose/given-keys.js';
import { verifyJwt } from '../jose/jwt.js';
import { FOREIGN_CLAIMS } from '../jose/purpose.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../values/json.js';
import { text } from '../values/member.js';

/** A claims provider whose signature counts: its issuer, and its public keys. */
export interface ClaimsProvider {
  readonly issuer: string;
  readonly jwks: { readonly keys: readonly JsonObject[] };
}

/** How claims of other parties are read. */
export interface ForeignClaimsOptions {
  /** Claims providers whose claims are verified. Claims of any other one are reported as unverified. Default: none. */
  readonly trusted?: readonly ClaimsProvider[];
}

/** What one source says of the end-user. It speaks for nobody but itself: the provider has not verified these claims. */
export interface ForeignClaims {
  /** The name of the source in `_claim_sources`. */
  readonly source: string;
  /** The claims that `_claim_names` names for this source; none where there was an error. */
  readonly claims: JsonObject;
  /** The issuer whose signature was verified, one of `trusted`. Undefined: anybody may have written them. */
  readonly verifiedBy: string | undefined;
  /** Why there are no claims of this source. */
  readonly error: OidcError | undefined;
}

/** A source of claims, and the names of those that are from it. */
export interface ClaimSource {
  readonly name: string;
  readonly members: JsonObject;
  readonly claims: readonly string[];
}

/** What JWTs are verified by: our clock, and the algorithms that are taken where the server has no say in them. */
type Verification = Pick<PublishedServer, 'clock' | 'algorithms'>;

/** More than any provider has. Each may cost a call or a signature. */
const MOST_SOURCES = 16;

/**
 * The sources that claims name beside the provider (Core, section 5.6.2). What is not of the specified form is left out.
 *
 * @throws {ResponseError} `TOO_MANY_MEMBERS`
 */
export function claimSources({ _claim_names: names, _claim_sources: sources }: JsonObject): readonly ClaimSource[] {
  if (!isJsonObject(names) || !isJsonObject(sources)) {
    return [];
  }
  // One pass over each: both may be as long as an answer is.
  const bySource = new Map<JsonValue | undefined, string[]>();
  for (const [claim, source] of Object.entries(names)) {
    const claims = bySource.get(source) ?? [];
    claims.push(claim);
    bySource.set(source, claims);
  }
  const found = Object.entries(sources).flatMap(([name, members]) => {
    const claims = bySource.get(name);
    return isJsonObject(members) && claims !== undefined ? [{ name, members, claims }] : [];
  });
  if (found.length > MOST_SOURCES) {
    throw new ResponseError('TOO_MANY_MEMBERS', 'The claims name more sources than we read.');
  }
  return found;
}

/**
 * Aggregated claims: those that the provider hands on as a JWT of another party.
 *
 * @param claims of an ID token or of userinfo
 */
export function aggregatedClaims(
  claims: JsonObject,
  options: ForeignClaimsOptions,
  verification: Verification,
): Promise<readonly ForeignClaims[]> {
  const aggregated = claimSources(claims).filter(({ members }) => typeof members['JWT'] === 'string');
  return Promise.all(
    aggregated.map((source) =>
      readSource(source, async () => text(source.members['JWT']) ?? '', options, verification),
    ),
  );
}

/** Reads one source; what goes wrong there is told beside the others. */
export async function readSource(
  { name: source, claims: names }: ClaimSource,
  jwt: () => Promise<string>,
  options: ForeignClaimsOptions,
  verification: Verification,
): Promise<ForeignClaims> {
  try {
    const { claims, verifiedBy } = await readJwt(await jwt(), options, verification);
    const named = names.filter((name) => Object.hasOwn(claims, name)).map((name) => [name, claims[name]] as const);
    return { source, claims: Object.fromEntries(named), verifiedBy, error: undefined };
  } catch (error) {
    if (error instanceof OidcError) {
      return { source, claims: {}, verifiedBy: undefined, error };
    }
    throw error;
  }
}

/** A JWT of a trusted issuer has to verify; any other is read without. */
async function readJwt(
  jwt: string,
  { trusted = [] }: ForeignClaimsOptions,
  { clock, algorithms }: Verification,
): Promise<Pick<ForeignClaims, 'claims' | 'verifiedBy'>> {
  const unverified = parseClaims(parseCompactJws(jwt, FOREIGN_CLAIMS.maxLength).payload);
  const provider = trusted.find(({ issuer }) => issuer === unverified['iss']);
  if (provider === undefined) {
    return { claims: unverified, verifiedBy: undefined };
  }
  const { issuer, jwks } = provider;
  const expected = { issuer, audience: undefined, algorithms, clock };
  const { claims } = await verifyJwt(jwt, FOREIGN_CLAIMS, { ...expected, keys: () => givenKeys(jwks) });
  return { claims, verifiedBy: issuer };
}
