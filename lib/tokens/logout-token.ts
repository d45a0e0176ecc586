import type { Server } from '../authorization-server/server.js';
import { VerificationError } from '../errors/errors.js';
import { isJsonObject, type JsonObject } from '../values/json.js';
import { text } from '../values/member.js';

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';

/** The claims of a logout token whose signature, issuer, audience and times were checked. `sub`, `sid` or both are there. */
export interface LogoutToken {
  readonly jti: string;
  readonly sub: string | undefined;
  readonly sid: string | undefined;
  /** Seconds since the epoch. */
  readonly exp: number;
}

/**
 * Verifies a logout token (OpenID Connect Back-Channel Logout 1.0, section 2.6).
 *
 * @throws {VerificationError} it is none of this server for this client, or not within its time
 * @throws {OidcError} of another kind: it can't be verified now
 */
export async function verifyLogoutToken(server: Server, jwt: string): Promise<LogoutToken> {
  const { claims } = await server.answers.verifyLogoutToken(jwt);
  const { events, exp } = claims;
  if (!isJsonObject(events) || !isJsonObject(events[EVENT])) {
    throw new VerificationError('CLAIM_INVALID', 'The logout token is of another event.');
  }
  const sid = identifier(claims, 'sid');
  const sub = identifier(claims, 'sub');
  const jti = identifier(claims, 'jti');
  const needsSid = server.client.metadata.backchannel_logout_session_required === true;
  if ((sub === undefined && sid === undefined) || (needsSid && sid === undefined) || jti === undefined) {
    throw new VerificationError('CLAIM_MISSING', 'The logout token does not say whose sessions end.');
  }
  if (typeof exp !== 'number') {
    throw new VerificationError('CLAIM_INVALID', 'The logout token has no end.');
  }
  return { jti, sub, sid, exp };
}

/** @throws {VerificationError} the claim is there and is no identifier */
function identifier(claims: JsonObject, name: string): string | undefined {
  const value = claims[name];
  const identifier = text(value);
  if (value !== undefined && !identifier) {
    throw new VerificationError('CLAIM_INVALID', `The logout token has a ${name} that is no identifier.`);
  }
  return identifier;
}
