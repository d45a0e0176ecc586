import { requireJson, requireOk } from '../authorization-server/oauth-response.js';
import { ResponseError } from '../errors/errors.js';
import type { HttpResponse } from '../http/response.js';
import type { JsonObject, JsonValue } from '../values/json.js';
import { text } from '../values/member.js';
import { isVschars } from '../values/oauth-characters.js';
import { readMembers, TEXT, wrongMember, type MemberTypes } from '../values/tolerant-reader.js';
import { parsedUrl } from '../values/url.js';
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
  return typeof value === 'string' && /^https?:$/.test(parsedUrl(value)?.protocol ?? '');
}

const MEMBER_TYPES: MemberTypes = {
  device_code: { ...TEXT, is: isVisible },
  user_code: { ...TEXT, is: isVisible },
  verification_uri: { ...TEXT, is: isWebPage },
  // Its name in an older draft, which Google kept.
  verification_url: { ...TEXT, is: isWebPage },
  verification_uri_complete: { ...TEXT, is: isWebPage },
  expires_in: SECONDS,
  interval: SECONDS,
};

/**
 * Reads the answer of the device authorization endpoint.
 *
 * @throws {OAuthError} the server refused
 * @throws {ResponseError} `DEVICE_RESPONSE_INVALID`: a member is missing or of a wrong type
 */
export function processDeviceResponse(response: HttpResponse): DeviceResponse {
  requireOk(response, 'device_authorization_endpoint');
  const json = readMembers(requireJson(response), MEMBER_TYPES);
  const wrong = wrongMember(json, MEMBER_TYPES);
  if (wrong !== undefined) {
    throw invalid(wrong);
  }
  const { expires_in, interval } = json;
  if (typeof expires_in !== 'number') {
    throw invalid('expires_in');
  }
  return {
    device_code: requireText(json, 'device_code'),
    user_code: requireText(json, 'user_code'),
    verification_uri: text(json['verification_uri']) ?? requireText(json, 'verification_url'),
    verification_uri_complete: text(json['verification_uri_complete']),
    expires_in,
    interval: typeof interval === 'number' ? interval : undefined,
  };
}

function requireText(json: JsonObject, member: string): string {
  const value = text(json[member]);
  if (value === undefined) {
    throw invalid(member);
  }
  return value;
}

function invalid(member: string): ResponseError {
  const problem = `The device authorization response has a wrong or missing member: ${member}.`;
  return new ResponseError('DEVICE_RESPONSE_INVALID', problem);
}
