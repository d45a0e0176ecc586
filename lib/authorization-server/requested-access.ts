import * as v from 'valibot';

import { ConfigError } from '../errors/errors.js';
import type { ParsedClientMetadata } from '../metadata/client-metadata.schema.js';
import { given } from '../values/given.js';
import type { JsonValue } from '../values/json.js';
import { isAbsoluteUri } from '../values/url.js';
import { validate } from '../values/validate.js';
import type { FormParameters } from './form-encoding.js';

/** Something that a client asks to be allowed to do, in more detail than a scope says it (RFC 9396, section 2). */
export interface AuthorizationDetail {
  readonly type: string;
  readonly [member: string]: JsonValue | undefined;
}

/** The access that a request asks for, beside its scope. */
export interface RequestedAccess {
  /** The API that the access token is for, or several: absolute URIs (RFC 8707, section 2). */
  readonly resource?: string | readonly string[] | undefined;
  /** RFC 9396. Their types must be in `client.authorization_details_types` where that is registered. */
  readonly authorization_details?: readonly AuthorizationDetail[] | undefined;
}

const NOT_A_RESOURCE = 'must be absolute URIs without a fragment';

const resource = v.pipe(v.string(NOT_A_RESOURCE), v.check(isAbsoluteUri, NOT_A_RESOURCE));

/** Schema of resource indicators. */
export const resourceSchema = v.union(
  [resource, v.pipe(v.array(resource, NOT_A_RESOURCE), v.nonEmpty(NOT_A_RESOURCE))],
  NOT_A_RESOURCE,
);

const NOT_DETAILS = 'must be a list of objects with a type';

/** Schema of authorization details. */
export const authorizationDetailsSchema = v.pipe(
  v.array(v.looseObject({ type: v.pipe(v.string(NOT_DETAILS), v.nonEmpty(NOT_DETAILS)) }, NOT_DETAILS), NOT_DETAILS),
  v.nonEmpty(NOT_DETAILS),
);

const accessSchema = v.object({
  resource: v.optional(resourceSchema),
  authorization_details: v.optional(authorizationDetailsSchema),
});

/**
 * The parameters of the access that a token request asks for.
 *
 * @throws {ConfigError} a resource is no absolute URI, or a detail has no type or one that is not registered
 */
export function accessParameters(
  client: ParsedClientMetadata,
  { resource, authorization_details }: RequestedAccess,
): FormParameters {
  const access = validate(accessSchema, { resource, authorization_details }, '');
  const { resource: resources, authorization_details: details } = access;
  requireRegisteredTypes(client, details?.map(({ type }) => type) ?? [], 'authorization_details');
  return given({ resource: resources, authorization_details: details && JSON.stringify(details) });
}

/** RFC 9396, section 10: the registration names the types of details that the client uses. @throws {ConfigError} */
export function requireRegisteredTypes(
  { authorization_details_types: registered }: ParsedClientMetadata,
  types: readonly string[],
  member: string,
): void {
  if (registered !== undefined && types.some((type) => !registered.includes(type))) {
    const problem = 'has a type that client.authorization_details_types does not hold';
    throw new ConfigError('INVALID_CONFIG', member, problem);
  }
}
