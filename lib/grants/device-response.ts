import { AnswerMembers, type AnswerKind } from '../authorization-server/answer-members.js';
import { requireJson, requireOk } from '../authorization-server/oauth-response.js';
import type { HttpResponse } from '../http/response.js';
import type { JsonValue } from '../values/json.js';
import { isVschars } from '../values/oauth-characters.js';
import { TEXT } from '../values/tolerant-reader.js';
import { isWebUrl } from '../values/url.js';
import { SECONDS } from './polling.js';

/** A device authorization response (RFC 8628, section 3.2). */
export interface DeviceResponse {
  readonly device_code: string;
  readonly user_code: string;
  readonly verification_uri: string;
  readonly verification_uri_complete: string | undefined;
  readonly interval: number | undefined;
  readonly expires_in: number;
}

const isVisible = (value: JsonValue): boolean => typeof value === 'string' && isVschars(value);

/** A page that a browser opens: applications make links of it. */
function isWebPage(value: JsonValue): boolean {
  return typeof value === 'string' && isWebUrl(value);
}

const DEVICE_RESPONSE: AnswerKind = {
  name: 'device authorization response',
  code: 'DEVICE_RESPONSE_INVALID',
  types: {
    device_code: { ...TEXT, is: isVisible },
    user_code: { ...TEXT, is: isVisible },
    verification_uri: { ...TEXT, is: isWebPage },
    // Its name in an older draft, which Google kept.
    verification_url: { ...TEXT, is: isWebPage },
    verification_uri_complete: { ...TEXT, is: isWebPage },
    expires_in: SECONDS,
    interval: SECONDS,
  },
};

/**
 * Reads the answer of the device authorization endpoint.
 *
 * @throws {OAuthError} the server refused
 * @throws {ResponseError} `DEVICE_RESPONSE_INVALID`: a member is missing or of a wrong type
 */
export function processDeviceResponse(response: HttpResponse): DeviceResponse {
  requireOk(response, 'device_authorization_endpoint');
  const members = new AnswerMembers(requireJson(response), DEVICE_RESPONSE);
  return {
    device_code: members.text('device_code'),
    user_code: members.text('user_code'),
    verification_uri: members.textIfAny('verification_uri') ?? members.text('verification_url'),
    verification_uri_complete: members.textIfAny('verification_uri_complete'),
    interval: members.numberIfAny('interval'),
    expires_in: members.number('expires_in'),
  };
}
