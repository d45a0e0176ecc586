import * as v from 'valibot';

import {
  authorizationDetailsSchema,
  resourceSchema,
  type AuthorizationDetail,
} from '../authorization-server/requested-access.js';
import { ConfigError } from '../errors/errors.js';
import type { JsonObject, JsonValue } from '../values/json.js';
import { isObject, member } from '../values/member.js';
import { plainJson } from '../values/plain-json.js';
import { validate } from '../values/validate.js';

/** How a claim is asked for; `null`: in the usual way (OpenID Connect Core 1.0, section 5.5.1). */
export type ClaimRequest = {
  readonly essential?: boolean | undefined;
  readonly value?: JsonValue | undefined;
  readonly values?: readonly JsonValue[] | undefined;
} | null;

/** Claims that a login asks for, beside those of its scope (OpenID Connect Core 1.0, section 5.5). */
export interface ClaimsRequest {
  readonly userinfo?: Readonly<Record<string, ClaimRequest>> | null | undefined;
  /** An `acr` that is `essential` here must come back with one of its values, or the login is refused. */
  readonly id_token?: Readonly<Record<string, ClaimRequest>> | null | undefined;
}

/**
 * Parameters of an authorization request that the application chooses: those that are known here, and a provider's own as
 * text. Each may also be given as the text that a URL has. They may name no protocol parameter.
 */
export interface AuthorizationParameters {
  /** The APIs that the tokens are for (RFC 8707, section 2). */
  readonly resource?: string | readonly string[] | undefined;
  /** RFC 9396. Their types must be in `client.authorization_details_types` where that is registered. */
  readonly authorization_details?: readonly AuthorizationDetail[] | string | undefined;
  readonly claims?: ClaimsRequest | string | undefined;
  /** Space-separated, the preferred first. They are a wish: see {@link ClaimsRequest} for a demand. */
  readonly acr_values?: string | undefined;
  /** Such as `none`, `login`, `consent` and `create`. */
  readonly prompt?: string | undefined;
  readonly login_hint?: string | undefined;
  readonly id_token_hint?: string | undefined;
  /** Space-separated language tags, the preferred first. */
  readonly ui_locales?: string | undefined;
  readonly [name: string]: ClaimsRequest | readonly (AuthorizationDetail | string)[] | string | undefined;
}

const NOT_A_CLAIM = 'must be null, or have essential, value and values only';

const claim = v.nullable(
  v.strictObject(
    {
      essential: v.optional(v.boolean(NOT_A_CLAIM)),
      value: v.optional(v.unknown()),
      values: v.optional(v.pipe(v.array(v.unknown(), NOT_A_CLAIM), v.nonEmpty(NOT_A_CLAIM))),
    },
    NOT_A_CLAIM,
  ),
);

/** `verified_claims` has a language of its own (OpenID Connect for Identity Assurance 1.0, section 6). */
const claims = v.optional(v.nullable(v.objectWithRest({ verified_claims: v.optional(v.unknown()) }, claim)));

const claimsRequest = v.strictObject({ userinfo: claims, id_token: claims }, 'must have userinfo and id_token only');

/** The parameters that have another shape than text. */
const SHAPES = {
  resource: resourceSchema,
  authorization_details: v.pipe(v.unknown(), v.transform(fromJson), authorizationDetailsSchema),
  claims: v.pipe(v.unknown(), v.transform(fromJson), claimsRequest),
};

/** Protocol parameters. An application can't set them, because the login's security depends on them. */
const PROTOCOL_PARAMETERS: readonly string[] = [
  'client_id',
  'client_secret',
  'code_challenge',
  'code_challenge_method',
  'dpop_jkt',
  'max_age',
  'nonce',
  'redirect_uri',
  'request',
  'request_uri',
  'response_mode',
  'response_type',
  'scope',
  'state',
];

export function isProtocolParameter(name: string): boolean {
  return PROTOCOL_PARAMETERS.includes(name);
}

/** Schema of the shapes of parameters that an application chooses. Whether it may choose them is another question. */
export const authorizationParametersSchema = v.pipe(
  v.custom<AuthorizationParameters>(isObject, 'must be an object'),
  v.transform((given): unknown => given),
  v.objectWithRest(v.partial(v.object(SHAPES)).entries, v.optional(v.string('must be text'))),
  v.transform((read): unknown => read),
  v.custom<AuthorizationParameters>(isObject),
);

/**
 * Reads the application's parameters. What was given as the text of a URL is a value then.
 *
 * @throws {ConfigError} one of them is of the protocol, or of another shape than its specification gives it
 */
export function readParameters(given: AuthorizationParameters): JsonObject {
  const owned = Object.keys(given).find(isProtocolParameter);
  if (owned !== undefined) {
    throw new ConfigError('INVALID_CONFIG', `parameters.${owned}`, 'belongs to the protocol');
  }
  const json = plainJson(given, 'parameters');
  return plainJson(validate(authorizationParametersSchema, json, 'parameters'), 'parameters');
}

/** Whether a text is of the shape that its parameter has. */
export function isWellFormed(name: string, text: string): boolean {
  return !isShaped(name) || v.is(SHAPES[name], text);
}

function isShaped(name: string): name is keyof typeof SHAPES {
  return Object.hasOwn(SHAPES, name);
}

/**
 * The values of `acr` that a login demands: those of an essential claim of the ID token (OpenID Connect Core 1.0, section
 * 5.5.1.1). Empty: any; undefined: it demands none.
 */
export function essentialAcr({ claims }: JsonObject): string[] | undefined {
  const acr = member(member(claims, 'id_token'), 'acr');
  if (member(acr, 'essential') !== true) {
    return undefined;
  }
  const [value, values] = [member(acr, 'value'), member(acr, 'values')];
  const demanded: unknown[] = Array.isArray(values) ? values : [value];
  return demanded.filter((one) => one !== undefined).map(String);
}

/** The value of a text of JSON. Any other text stays as it is, and is of no shape that JSON has. */
function fromJson(given: unknown): unknown {
  if (typeof given !== 'string') {
    return given;
  }
  try {
    return JSON.parse(given);
  } catch {
    return given;
  }
}
