import { AnswerMembers, type AnswerKind } from '../authorization-server/answer-members.js';
import { requireJson, requireOk } from '../authorization-server/oauth-response.js';
import type { HttpResponse } from '../http/response.js';
import { isVschars } from '../values/oauth-characters.js';
import { TEXT } from '../values/tolerant-reader.js';
import { SECONDS } from './polling.js';

/** A backchannel authentication response (CIBA Core 1.0, section 7.3). */
export interface BackchannelResponse {
  readonly auth_req_id: string;
  readonly expires_in: number;
  readonly interval: number | undefined;
}

const BACKCHANNEL_RESPONSE: AnswerKind = {
  name: 'backchannel authentication response',
  code: 'BACKCHANNEL_RESPONSE_INVALID',
  types: {
    auth_req_id: { ...TEXT, is: (value) => typeof value === 'string' && isVschars(value) },
    expires_in: SECONDS,
    interval: SECONDS,
  },
};

/**
 * Reads the answer of the backchannel authentication endpoint.
 *
 * @throws {OAuthError} the server refused
 * @throws {ResponseError} `BACKCHANNEL_RESPONSE_INVALID`: a member is missing or of a wrong type
 */
export function processBackchannelResponse(response: HttpResponse): BackchannelResponse {
  requireOk(response, 'backchannel_authentication_endpoint');
  const members = new AnswerMembers(requireJson(response), BACKCHANNEL_RESPONSE);
  return {
    auth_req_id: members.text('auth_req_id'),
    expires_in: members.number('expires_in'),
    interval: members.numberIfAny('interval'),
  };
}
