import { requireJson, requireOk } from '../authorization-server/oauth-response.js';
import { ResponseError } from '../errors/errors.js';
import type { HttpResponse } from '../http/response.js';
import type { JsonValue } from '../values/json.js';
import { isVschars } from '../values/oauth-characters.js';
import { readMembers, TEXT, wrongMember, type MemberTypes } from '../values/tolerant-reader.js';
import { SECONDS } from './polling.js';

/** A backchannel authentication response (CIBA Core 1.0, section 7.3). */
export interface BackchannelResponse {
  readonly auth_req_id: string;
  readonly expires_in: number;
  readonly interval: number | undefined;
}

const MEMBER_TYPES: MemberTypes = {
  auth_req_id: { ...TEXT, is: (value: JsonValue) => typeof value === 'string' && isVschars(value) },
  expires_in: SECONDS,
  interval: SECONDS,
};

/**
 * Reads the answer of the backchannel authentication endpoint.
 *
 * @throws {OAuthError} the server refused
 * @throws {ResponseError} `BACKCHANNEL_RESPONSE_INVALID`: a member is missing or of a wrong type
 */
export function processBackchannelResponse(response: HttpResponse): BackchannelResponse {
  requireOk(response, 'backchannel_authentication_endpoint');
  const json = readMembers(requireJson(response), MEMBER_TYPES);
  const { auth_req_id, expires_in, interval } = json;
  const wrong = wrongMember(json, MEMBER_TYPES);
  if (wrong !== undefined || typeof auth_req_id !== 'string' || typeof expires_in !== 'number') {
    const member = wrong ?? (typeof auth_req_id === 'string' ? 'expires_in' : 'auth_req_id');
    throw new ResponseError(
      'BACKCHANNEL_RESPONSE_INVALID',
      `The backchannel authentication response has a wrong or missing member: ${member}.`,
    );
  }
  return { auth_req_id, expires_in, interval: typeof interval === 'number' ? interval : undefined };
}
