import * as v from 'valibot';

import { isJsonObject, type JsonObject } from '../values/json.js';
import { validate } from '../values/validate.js';
import type { FormParameters } from './form-encoding.js';

/** The access that a request asks for, beside its scope. */
export interface RequestedAccess {
  /** The API that the access token is for, or several: absolute URIs (RFC 8707, section 2). */
  readonly resource?: string | readonly string[] | undefined;
  /** What is asked for in detail, each with its `type` (RFC 9396, section 2). */
  readonly authorization_details?: readonly JsonObject[] | undefined;
}

const resource = v.pipe(
  v.string(),
  v.check((uri) => URL.canParse(uri) && !uri.includes('#'), 'must be an absolute URI without a fragment'),
);

const detail = v.custom<JsonObject>(
  (value) => isJsonObject(value) && typeof value['type'] === 'string',
  'must be an object with a type',
);

const schema = v.object({
  resource: v.optional(v.union([resource, v.array(resource)], 'must be absolute URIs without a fragment')),
  authorization_details: v.optional(v.array(detail)),
});

/**
 * The parameters of the access that is asked for.
 *
 * @throws {ConfigError} a resource is no absolute URI, or a detail has no type
 */
export function accessParameters(access: RequestedAccess): FormParameters {
  const { resource: resources, authorization_details: details } = validate(schema, access, '');
  return {
    ...(resources !== undefined && { resource: resources }),
    ...(details !== undefined && { authorization_details: JSON.stringify(details) }),
  };
}
