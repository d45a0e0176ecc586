import * as v from 'valibot';

import { isAsymmetric, isSymmetric } from '../jose/algorithms.js';
import { isScope, isVschars } from '../values/oauth-characters.js';
import { Secret } from '../values/secret.js';
import type { ClientAuthenticationMethod } from './client-metadata.js';

const AUTHENTICATION_METHODS = [
  'client_secret_basic',
  'client_secret_post',
  'client_secret_jwt',
  'private_key_jwt',
  'tls_client_auth',
  'self_signed_tls_client_auth',
  'none',
] as const;

const visible = v.pipe(v.string(), v.check(isVschars, 'must be printable ASCII and not empty'));

export const scopeSchema = v.pipe(v.string(), v.check(isScope, 'must be scopes with one space between them'));

const authenticationMethod = v.picklist(AUTHENTICATION_METHODS);

const asymmetricOrSecret = v.pipe(
  v.string(),
  v.check(
    (alg) => isAsymmetric(alg) || isSymmetric(alg),
    'must be a signature algorithm that is supported, and not none',
  ),
);

const idTokenAlgorithm = v.pipe(
  v.string(),
  v.check(
    (alg) => alg === 'none' || isAsymmetric(alg) || isSymmetric(alg),
    'must be a signature algorithm that is supported',
  ),
);

const absoluteUri = v.pipe(
  v.string(),
  v.check((uri) => URL.canParse(uri) && !uri.includes('#'), 'must be an absolute URI without a fragment'),
);

const jwkSet = v.looseObject({ keys: v.array(v.record(v.string(), v.unknown())) });

/** The members that this library reads. The rest is kept as it is. */
export const clientMetadataSchema = v.looseObject({
  client_id: visible,
  client_secret: v.optional(
    v.pipe(
      v.string(),
      v.nonEmpty('must not be empty'),
      v.transform((secret) => new Secret(secret)),
    ),
  ),
  jwks: v.optional(jwkSet),
  token_endpoint_auth_method: v.optional(authenticationMethod),
  token_endpoint_auth_signing_alg: v.optional(asymmetricOrSecret),
  introspection_endpoint_auth_method: v.optional(authenticationMethod),
  revocation_endpoint_auth_method: v.optional(authenticationMethod),
  redirect_uris: v.optional(v.pipe(v.array(absoluteUri), v.nonEmpty('must name at least one URI'))),
  post_logout_redirect_uris: v.optional(v.array(absoluteUri)),
  response_types: v.optional(v.array(v.string())),
  grant_types: v.optional(v.array(v.string())),
  scope: v.optional(scopeSchema),
  id_token_signed_response_alg: v.optional(idTokenAlgorithm),
  userinfo_signed_response_alg: v.optional(asymmetricOrSecret),
  introspection_signed_response_alg: v.optional(asymmetricOrSecret),
  default_max_age: v.optional(
    v.pipe(v.number(), v.integer('must be whole seconds'), v.minValue(0, 'must not be negative')),
  ),
  require_auth_time: v.optional(v.boolean()),
  default_acr_values: v.optional(v.array(visible)),
  use_mtls_endpoint_aliases: v.optional(v.boolean()),
  tls_client_certificate_bound_access_tokens: v.optional(v.boolean()),
  dpop_bound_access_tokens: v.optional(v.boolean()),
});

/** The frozen copy of what was registered: secrets wrapped, `jwks` with public members only, methods filled in. */
export type ParsedClientMetadata = Readonly<v.InferOutput<typeof clientMetadataSchema>> & {
  readonly token_endpoint_auth_method: ClientAuthenticationMethod;
  readonly introspection_endpoint_auth_method: ClientAuthenticationMethod;
  readonly revocation_endpoint_auth_method: ClientAuthenticationMethod;
};

/** Seconds. A wrong clock is never silently the default. */
export const clockSkewSchema = v.pipe(v.number(), v.finite('must be a finite number of seconds'));

export const clockToleranceSchema = v.pipe(
  v.number(),
  v.minValue(0, 'must be 0 to 300 seconds'),
  v.maxValue(300, 'must be 0 to 300 seconds'),
);

type Promises = (value: unknown) => boolean;
const isSet: Promises = (value) => value !== undefined;
const isTrue: Promises = (value) => value === true;

/**
 * Registered members that promise something which is not built: each stops the boot, so that nobody believes to be
 * protected who is not.
 */
export const UNSUPPORTED_MEMBERS: Readonly<Record<string, Promises>> = {
  id_token_encrypted_response_alg: isSet,
  id_token_encrypted_response_enc: isSet,
  userinfo_encrypted_response_alg: isSet,
  userinfo_encrypted_response_enc: isSet,
  introspection_encrypted_response_alg: isSet,
  introspection_encrypted_response_enc: isSet,
  authorization_signed_response_alg: isSet,
  authorization_encrypted_response_alg: isSet,
  authorization_encrypted_response_enc: isSet,
  request_object_signing_alg: isSet,
  request_object_encryption_alg: isSet,
  request_object_encryption_enc: isSet,
  require_signed_request_object: isTrue,
  require_pushed_authorization_requests: isTrue,
  backchannel_logout_uri: isSet,
  backchannel_logout_session_required: isTrue,
  frontchannel_logout_uri: isSet,
  frontchannel_logout_session_required: isTrue,
};
