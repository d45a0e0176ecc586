import { isJsonObject, type JsonObject, type JsonValue } from '../values/json.js';

/** Authorization details: what a client may do, in more detail than a scope says it (RFC 9396, section 2). */
export type AuthorizationDetails = readonly JsonObject[];

/** Whether a value is a list of authorization details. */
export function isDetails(value: JsonValue | undefined): value is AuthorizationDetails {
  return Array.isArray(value) && value.every((one) => isJsonObject(one) && typeof one['type'] === 'string');
}

/** Those of a request or a token response (RFC 9396, sections 2 and 7). */
export function detailsOf({ authorization_details: details }: JsonObject): AuthorizationDetails | undefined {
  return isDetails(details) ? details : undefined;
}

export function typesOf(details: AuthorizationDetails = []): readonly string[] {
  return details.map(({ type }) => String(type));
}
