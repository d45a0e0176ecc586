import type { Server } from '../authorization-server/server.js';
import type { VerificationErrorCode } from '../errors/codes.js';
import { VerificationError } from '../errors/errors.js';
import { factOf, type ErrorFacts } from '../errors/oidc.error.js';
import { equalInConstantTime } from '../jose/constant-time.js';
import { audiencesOf } from '../jose/jwt.js';
import type { JwtOrigin } from '../jose/remote-keys.js';
import type { JsonObject } from '../values/json.js';
import { requireAuthentication, type AuthenticationExpectations } from './authentication-claims.js';
import { requireHashes, type HashClaim, type IssuedWith } from './token-hash.js';
import type { TrustedAudiences } from './trusted-audiences.js';

/** Expectations for one ID token, beside the rules for all. */
export interface IdTokenExpectations extends AuthenticationExpectations {
  /** Must be in the token, and equal. */
  readonly nonce?: string | undefined;
  /** The server returns no `nonce`: it may be missing. One that is there must still be equal. */
  readonly isNonceOptional?: boolean | undefined;
  /** What came with it: its hashes are checked where the token has them. */
  readonly issuedWith: IssuedWith;
  /** Hashes that it must have. */
  readonly hashes?: readonly HashClaim[];
  /** `stranger`: it came by the browser. Default: from the token endpoint. */
  readonly origin?: JwtOrigin;
  /** Audiences that may stand beside the client. */
  readonly trustedAudiences?: TrustedAudiences | undefined;
  /** The claims of the login's ID token, which a refreshed one continues (Core, section 12.2); unknown: not stored. */
  readonly continues?: JsonObject | 'unknown' | undefined;
  /** The ID token that came by the browser in the same login. */
  readonly frontChannel?: VerifiedIdToken | undefined;
}

/** The claims of an ID token whose signature, issuer, audience, times, nonce and hashes were checked. */
export class VerifiedIdToken {
  readonly sub: string;
  readonly #jws: string;

  private constructor(
    sub: string,
    /** All of them, as JSON. */
    readonly claims: JsonObject,
    jws: string,
  ) {
    this.sub = sub;
    this.#jws = jws;
    Object.freeze(this);
  }

  /** The ID token as it was signed, without the encryption that it came in. @internal */
  get jws(): string {
    return this.#jws;
  }

  /**
   * OpenID Connect Core 1.0, section 3.1.3.7, with every check on that the section leaves open.
   *
   * @throws {VerificationError} the ID token is not one that this login may rely on
   */
  static async verify(server: Server, jwt: string, expected: IdTokenExpectations): Promise<VerifiedIdToken> {
    const { client_id } = server.client.metadata;
    const { jws, alg, claims } = await server.answers.verify('id_token', jwt, [client_id], expected.origin);
    requireParty(claims, client_id, expected.trustedAudiences ?? []);
    requireNonce(claims, expected);
    requireHashes(claims, alg, expected.issuedWith, expected.hashes ?? []);
    requireAuthentication(claims, server.clock, expected, server.client.metadata.require_auth_time === true);
    requireContinuity(claims, expected.continues);
    requireSameEndUser(claims, expected.frontChannel);
    return new VerifiedIdToken(requireSubject(claims), claims, jws);
  }
}

/**
 * Whether a text can be a `sub`: at most 255 characters (Core, section 2). Providers take more than ASCII for them, but no
 * control characters. Half of a surrogate pair is no character: in UTF-8 all halves are the same.
 */
const SUBJECT = /^[^\p{Cc}\p{Cs}]{1,255}$/u;

/** @throws {VerificationError} `sub` is missing or can't be an identifier */
export function requireSubject(claims: JsonObject): string {
  const { sub } = claims;
  if (typeof sub !== 'string' || !SUBJECT.test(sub)) {
    throw fail('CLAIM_INVALID', 'The subject is missing or can not be an identifier.');
  }
  return sub;
}

/** Checks `aud` and `azp`: the token was issued to this client (Core, section 3.1.3.7, 3 to 5). */
function requireParty({ aud, azp }: JsonObject, clientId: string, trusted: TrustedAudiences): void {
  const audiences = audiencesOf(aud);
  const wanted = trusted === 'azp' ? audiences : [clientId, ...trusted];
  if (!audiences.every((audience) => wanted.includes(audience))) {
    const problem = 'The ID token has another audience beside this client: login.trustedAudiences takes it.';
    throw fail('AUD_MISMATCH', problem, { aud: factOf(aud), wanted });
  }
  if (azp === undefined ? audiences.length > 1 : azp !== clientId) {
    const facts = { aud: factOf(aud), azp: factOf(azp) ?? 'none', wanted: clientId };
    throw fail('AZP_MISMATCH', 'The ID token was issued to another party.', facts);
  }
}

/** Checks `nonce` (Core, section 3.1.3.7, 11). After a refresh it is absent or that of the login (section 12.2). */
function requireNonce(
  claims: JsonObject,
  { nonce: expected, isNonceOptional = false, continues }: IdTokenExpectations,
): void {
  const { nonce } = claims;
  if (expected === undefined && continues === 'unknown') {
    return;
  }
  if (expected !== undefined && nonce === undefined && !isNonceOptional) {
    throw fail('NONCE_MISSING', 'The ID token lacks the nonce that was sent.');
  }
  const sent = expected ?? (continues === 'unknown' ? undefined : continues?.['nonce']);
  if (
    nonce !== undefined &&
    !(typeof nonce === 'string' && typeof sent === 'string' && equalInConstantTime(nonce, sent))
  ) {
    throw fail('NONCE_MISMATCH', 'The ID token answers another login.');
  }
}

/** Checks that a refreshed ID token continues the login's: `sub`, `iss`, `aud`, `auth_time` (Core, section 12.2). */
function requireContinuity(claims: JsonObject, continues: IdTokenExpectations['continues']): void {
  if (continues === undefined || continues === 'unknown') {
    return;
  }
  if (claims['sub'] !== continues['sub']) {
    throw fail('SUB_MISMATCH', 'The refreshed ID token names another end-user.');
  }
  // Among many tenants another one may have a person of the same `sub`.
  if (continues['iss'] !== undefined && claims['iss'] !== continues['iss']) {
    throw fail('ISS_MISMATCH', 'The refreshed ID token names another issuer.', {
      iss: factOf(claims['iss']),
      wanted: factOf(continues['iss']),
    });
  }
  const audiences = audiencesOf(claims['aud']);
  if (!audiencesOf(continues['aud']).every((audience) => audiences.includes(audience))) {
    throw fail('AUD_MISMATCH', 'The refreshed ID token lost an audience.');
  }
  const { auth_time } = claims;
  if (auth_time !== undefined && continues['auth_time'] !== undefined && auth_time !== continues['auth_time']) {
    throw fail('AUTH_TIME_MISMATCH', 'The refreshed ID token tells of another authentication.');
  }
}

/** Checks that both ID tokens of a login name the same end-user at the same issuer (Core, section 3.3.3.6). */
function requireSameEndUser({ iss, sub }: JsonObject, frontChannel: VerifiedIdToken | undefined): void {
  if (frontChannel === undefined) {
    return;
  }
  if (sub !== frontChannel.sub) {
    throw fail('SUB_MISMATCH', 'The token endpoint names another end-user than the authorization response.');
  }
  if (iss !== frontChannel.claims['iss']) {
    const facts = { iss: factOf(iss), wanted: factOf(frontChannel.claims['iss']) };
    throw fail('ISS_MISMATCH', 'The token endpoint names another issuer than the authorization response.', facts);
  }
}

function fail(code: VerificationErrorCode, message: string, facts?: ErrorFacts): VerificationError {
  return new VerificationError(code, message, { facts });
}
