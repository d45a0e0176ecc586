import * as v from 'valibot';

import type { FormParameters } from '../authorization-server/form-encoding.js';
import { accessParameters, type RequestedAccess } from '../authorization-server/requested-access.js';
import type { Server } from '../authorization-server/server.js';
import { signedRequest } from '../authorization-server/signed-request.js';
import { ConfigError } from '../errors/errors.js';
import { hasOpenid, withOpenid } from '../tokens/openid-scope.js';
import type { TrustedAudiences } from '../tokens/trusted-audiences.js';
import type { JsonObject } from '../values/json.js';
import { given } from '../values/given.js';
import { validate } from '../values/validate.js';

/** Lifetime of a signed request in seconds: long enough for one request. FAPI-CIBA allows an hour. */
const LIFETIME = 60;

/** Parameters of a backchannel authentication request (CIBA Core 1.0, section 7.1): exactly one hint says who is asked. */
export interface BackchannelAuthenticationOptions extends RequestedAccess {
  /** An identifier of the end-user, such as a phone number. */
  readonly login_hint?: string;
  /** A token that identifies the end-user. */
  readonly login_hint_token?: string;
  /** An ID token of the end-user, of an earlier login. */
  readonly id_token_hint?: string;
  /** Space-separated, with `openid` in it. Default: `openid`, and the registered `scope`. */
  readonly scope?: string;
  /** A short text that both devices show, so that the end-user sees what they consent to. */
  readonly binding_message?: string;
  /** A code that only the end-user knows, where `backchannel_user_code_parameter` is registered. */
  readonly user_code?: string;
  /** Seconds for which the request should be good. */
  readonly requested_expiry?: number;
  /** Space-separated. Default: the registered `default_acr_values`. */
  readonly acr_values?: string;
  /** Audiences that may stand beside the client in the ID token: a list, or `azp` for any of a token issued to the client. */
  readonly trustedAudiences?: TrustedAudiences;
  /** More parameters. */
  readonly parameters?: FormParameters;
}

const HINTS = ['login_hint', 'login_hint_token', 'id_token_hint'] as const;

const expirySchema = v.optional(
  v.pipe(v.number(), v.integer('must be whole seconds'), v.minValue(1, 'must be 1 or more')),
);

/**
 * The form of a backchannel authentication request, what it says, and its scope. Where
 * `backchannel_authentication_request_signing_alg` is registered, all of it stands in a signed JWT and nowhere else (section
 * 7.1.1).
 *
 * @param client_notification_token undefined: the result is polled for
 * @throws {ConfigError} there is not exactly one hint, or an option does not fit what is registered
 */
export async function backchannelRequest(
  server: Server,
  options: BackchannelAuthenticationOptions,
  client_notification_token: string | undefined,
): Promise<{ readonly form: FormParameters; readonly said: JsonObject; readonly scope: string }> {
  const { metadata } = server.client;
  const { user_code, binding_message, resource, authorization_details, parameters } = options;
  const scope = options.scope ?? withOpenid(metadata.scope);
  requireOneHint(options);
  if (!hasOpenid(scope)) {
    throw new ConfigError('INVALID_CONFIG', 'scope', 'must contain openid');
  }
  if (user_code !== undefined && metadata.backchannel_user_code_parameter !== true) {
    throw new ConfigError('INVALID_CONFIG', 'client.backchannel_user_code_parameter', 'must be true for a user_code');
  }
  const requested_expiry = validate(expirySchema, options.requested_expiry, 'requested_expiry');
  const acr_values = options.acr_values ?? metadata.default_acr_values?.join(' ');
  const form = {
    ...parameters,
    ...accessParameters(metadata, { resource, authorization_details }),
    ...given({ ...hintsOf(options), binding_message, user_code, acr_values, client_notification_token }),
    ...given({ requested_expiry: requested_expiry?.toString() }),
    scope,
  };
  const alg = metadata.backchannel_authentication_request_signing_alg;
  const said = { ...form, ...(authorization_details !== undefined && { authorization_details }) };
  if (alg === undefined) {
    return { form, said, scope };
  }
  // It is no request object of RFC 9101, and has no `typ`.
  return { form: { request: await signedRequest(server, said, { alg, lifetime: LIFETIME }) }, said, scope };
}

function hintsOf(options: BackchannelAuthenticationOptions): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(HINTS.map((hint) => [hint, options[hint]]));
}

function requireOneHint(options: BackchannelAuthenticationOptions): void {
  if (HINTS.filter((hint) => options[hint] !== undefined).length !== 1) {
    throw new ConfigError('INVALID_CONFIG', HINTS.join(', '), 'exactly one of them is required');
  }
}
