import { isDeepStrictEqual } from 'node:util';

import { isNumericDate, type Clock } from '../clock/clock.js';
import type { VerificationErrorCode } from '../errors/codes.js';
import { VerificationError } from '../errors/errors.js';
import { factOf, type ErrorFacts } from '../errors/oidc.error.js';
import { chain, type Awaitable } from '../values/awaitable.js';
import type { JsonObject, JsonValue } from '../values/json.js';
import { readMembers, type MemberTypes } from '../values/tolerant-reader.js';
import { parseClaims, parseCompactJws, type CompactJws } from './compact-jws.js';
import type { IssuerRule } from './issuer-rule.js';
import type { Purpose } from './purpose.js';

/** A source of verification keys. */
export interface KeySource {
  /**
   * Verifies the signature.
   *
   * @returns the payload that was signed
   * @throws {VerificationError} no key of the source made this signature
   */
  verify(jws: CompactJws): Promise<Uint8Array>;
}

/** A JWT that was encrypted. */
export interface DecryptedJwt {
  /** What was encrypted: a JWS whose signature is not verified. */
  readonly jws: string;
  /** Of the JWE. */
  readonly header: JsonObject;
}

/** What decrypts a JWT. */
export interface JwtDecryption {
  /**
   * @param maxLength of the JWS, in characters
   * @throws {VerificationError} the JWT is not encrypted, or not as registered
   */
  decrypt(jwt: string, maxLength: number): Promise<DecryptedJwt>;
}

/** What a JWT is checked against. */
export interface JwtExpectations {
  /** The name, or the rule that has it. A rule is asked when the signature is verified. */
  readonly issuer: string | IssuerRule;
  /** What `aud` may name; undefined: anything. */
  readonly audience: readonly string[] | undefined;
  /** The algorithms that may have signed it. `none` stands alone: registered, it means unsigned. */
  readonly algorithms: readonly string[];
  readonly clock: Clock;
  /** Decrypts it. Undefined: it must not be encrypted. */
  readonly decryption?: JwtDecryption | undefined;
  /** Reads the claims in these types before any of them is checked. Left out: they count as they came. */
  readonly claimTypes?: MemberTypes;
  /** The keys for a JWT whose algorithm is allowed. */
  keys(jws: CompactJws): Awaitable<KeySource>;
}

/** A verified JWT: its signature, issuer, audience and times were checked for one purpose. */
export interface VerifiedJwt {
  /** As it was signed: without the encryption that it came in. */
  readonly jws: string;
  readonly alg: string;
  readonly header: JsonObject;
  readonly claims: JsonObject;
}

/**
 * Verifies a JWT (RFC 7519, section 7.2; RFC 8725). Every JWT goes through here.
 *
 * @throws {VerificationError} it is not what the purpose asks for, or its signature, issuer, audience or times are wrong;
 *   `CLAIM_MISSING` says that it lacks a claim and that all else is good
 */
export async function verifyJwt(jwt: string, purpose: Purpose, expected: JwtExpectations): Promise<VerifiedJwt> {
  const decrypted = expected.decryption && (await expected.decryption.decrypt(jwt, purpose.maxLength));
  const jws = parseCompactJws(decrypted?.jws ?? jwt, purpose.maxLength);
  if (!purpose.types.includes(typeOf(jws.header['typ']))) {
    throw fail('TYP_MISMATCH', purpose, 'has another typ', { typ: factOf(jws.header['typ']), wanted: types(purpose) });
  }
  if (!expected.algorithms.includes(jws.alg)) {
    const facts = { alg: jws.alg, wanted: expected.algorithms };
    throw fail('ALG_NOT_ALLOWED', purpose, 'is signed with an algorithm that is not registered', facts);
  }
  const payload = jws.alg === 'none' ? unsecuredPayload(jws, purpose) : await signedPayload(jws, expected);
  const claims = readMembers(parseClaims(payload), expected.claimTypes ?? {});
  checkReplicated(claims, purpose, decrypted?.header);
  checkForeign(claims, purpose);
  if (purpose.audience !== 'none') {
    const { issuer } = expected;
    checkIssuer(claims, purpose, typeof issuer === 'string' ? issuer : await issuer.nameFor(claims));
    checkAudience(claims, purpose, expected.audience);
  }
  checkTimes(claims, purpose, expected.clock);
  checkRequired(claims, purpose);
  await requireTaken(claims, expected.issuer);
  return { jws: jws.compact, alg: jws.alg, header: jws.header, claims };
}

/** Normalizes `typ`: a media type in any case, whose `application/` may be left out (RFC 7515, section 4.1.9). */
export function typeOf(typ: JsonValue | undefined): string | undefined {
  if (typ === undefined) {
    return undefined;
  }
  return typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : 'not a string';
}

function signedPayload(jws: CompactJws, expected: JwtExpectations): Awaitable<Uint8Array> {
  return chain(expected.keys(jws), (keys) => keys.verify(jws));
}

function unsecuredPayload(jws: CompactJws, purpose: Purpose): string {
  if (jws.signature !== '') {
    throw fail('SIGNATURE_INVALID', purpose, 'is unsecured and has a signature');
  }
  return jws.payload;
}

/** Checks the claims that a JWE repeats in its header, where everybody can read them (RFC 7519, section 5.3). */
function checkReplicated(claims: JsonObject, purpose: Purpose, header: JsonObject = {}): void {
  for (const name of REPLICATED) {
    if (name in header && !isDeepStrictEqual(header[name], claims[name])) {
      throw fail('CLAIM_INVALID', purpose, `has another ${name} than the header of its JWE`);
    }
  }
}

const REPLICATED = ['iss', 'sub', 'aud'] as const;

function checkForeign(claims: JsonObject, purpose: Purpose): void {
  for (const name of purpose.foreign) {
    if (claims[name] !== undefined) {
      throw fail('UNEXPECTED_CLAIM', purpose, `carries ${name}, which a JWT of another kind has`);
    }
  }
}

function checkIssuer(claims: JsonObject, purpose: Purpose, issuer: string): void {
  const { iss } = claims;
  if (iss !== issuer) {
    const problem = iss === undefined ? 'lacks iss' : 'names another issuer';
    throw fail('ISS_MISMATCH', purpose, problem, { iss: factOf(iss), wanted: issuer });
  }
}

/** Whether the application takes the issuer: it may have to ask elsewhere, which only a good JWT is worth. */
async function requireTaken(claims: JsonObject, issuer: string | IssuerRule): Promise<void> {
  if (typeof issuer !== 'string') {
    await issuer.requireTaken(claims);
  }
}

function checkAudience(claims: JsonObject, purpose: Purpose, ours: readonly string[] | undefined): void {
  const { aud } = claims;
  // Anything is good; whether it must be there, the purpose's required claims say.
  if (ours === undefined && aud === undefined) {
    return;
  }
  const audiences = audiencesOf(aud);
  const isOurs = (audience: string): boolean => ours?.includes(audience) ?? true;
  const fits = purpose.audience === 'some' ? audiences.some(isOurs) : audiences.every(isOurs);
  if (audiences.length === 0 || !fits) {
    const problem = aud === undefined ? 'lacks aud' : 'is meant for another audience';
    throw fail('AUD_MISMATCH', purpose, problem, { aud: factOf(aud), wanted: ours });
  }
}

/** The values of `aud`: a string, or an array of strings; anything else has none (RFC 7519, section 4.1.3). */
export function audiencesOf(aud: JsonValue | undefined): readonly string[] {
  const values = Array.isArray(aud) ? aud : [aud];
  return values.every((value) => typeof value === 'string') ? values : [];
}

function checkTimes(claims: JsonObject, purpose: Purpose, clock: Clock): void {
  const exp = numericDate(claims, 'exp', purpose);
  const nbf = numericDate(claims, 'nbf', purpose);
  const iat = numericDate(claims, 'iat', purpose);
  if (exp !== undefined && clock.isExpired(exp)) {
    throw fail('EXPIRED', purpose, 'is expired', clock.beside({ exp }));
  }
  if ((nbf !== undefined && clock.isInFuture(nbf)) || (iat !== undefined && clock.isInFuture(iat))) {
    throw fail('NOT_YET_VALID', purpose, 'is not valid yet', clock.beside({ nbf, iat }));
  }
  if (iat !== undefined && purpose.maxAge !== undefined && clock.isOlderThan(iat, purpose.maxAge)) {
    throw fail('TOO_OLD', purpose, 'was issued too long ago', clock.beside({ iat }));
  }
}

/** Checks that required claims are there. It comes last: if it fails, all else is good. */
function checkRequired(claims: JsonObject, purpose: Purpose): void {
  for (const name of purpose.required) {
    if (claims[name] === undefined) {
      throw fail('CLAIM_MISSING', purpose, `lacks ${name}`);
    }
  }
}

/** @throws {VerificationError} the claim is there and is no NumericDate */
export function numericDate(claims: JsonObject, name: string, purpose: Purpose): number | undefined {
  const value = claims[name];
  if (value !== undefined && !isNumericDate(value)) {
    throw fail('CLAIM_INVALID', purpose, `has a ${name} that is no time`);
  }
  return value;
}

function types({ types: wanted }: Purpose): readonly string[] {
  return wanted.map((type) => type ?? 'none');
}

function fail(code: VerificationErrorCode, purpose: Purpose, problem: string, facts?: ErrorFacts): VerificationError {
  return new VerificationError(code, `The ${purpose.name} ${problem}.`, { facts });
}
