import * as v from 'valibot';

import { isAsymmetric, isSymmetric, signsWithKey } from '../jose/algorithms.js';
import { isContentEncryption, isKeyManagement } from '../jose/encryption-algorithms.js';
import { isScope, isVschars } from '../values/oauth-characters.js';
import { Secret } from '../values/secret.js';
import { isAbsoluteUri } from '../values/url.js';
import { METHOD_MEMBERS, METHOD_NAMES, type ClientAuthenticationMethod } from './authentication-method.js';
import { DELIVERY_MODES } from './backchannel-delivery.js';
import type { ClientMetadata } from './client-metadata.js';
import { SIGNED_ANSWERS } from './protected-answer.js';
import { REQUEST_OBJECT } from './protected-request.js';

/** Visible characters and spaces: `VSCHAR` of RFC 6749, appendix A. */
const visible = v.pipe(v.string(), v.check(isVschars, 'must be printable ASCII and not empty'));

/** Scope: tokens with one space between them (RFC 6749, section 3.3). */
export const scopeSchema = v.pipe(v.string(), v.check(isScope, 'must be scopes with one space between them'));

const authenticationMethod = v.picklist(METHOD_NAMES);

const signingAlgorithm = v.pipe(
  v.string(),
  v.check(
    (alg) => isAsymmetric(alg) || isSymmetric(alg),
    'must be a signature algorithm that is supported, and not none',
  ),
);

/** Of JWTs that the client signs. */
const ownAlgorithm = v.pipe(
  v.string(),
  v.check(
    (alg) => signsWithKey(alg) || isSymmetric(alg),
    'must be a signature algorithm that is supported, and not none',
  ),
);

const ownKeyAlgorithm = v.pipe(
  v.string(),
  v.check(signsWithKey, 'must be a signature algorithm of a private key that is supported'),
);

const signingAlgorithmOrNone = v.pipe(
  v.string(),
  v.check(
    (alg) => alg === 'none' || isAsymmetric(alg) || isSymmetric(alg),
    'must be a signature algorithm that is supported',
  ),
);

const keyManagementAlgorithm = v.pipe(
  v.string(),
  v.check(isKeyManagement, 'must be a key management algorithm that is supported; RSA1_5 and PBES2 never are'),
);

const contentEncryptionAlgorithm = v.pipe(
  v.string(),
  v.check(isContentEncryption, 'must be a content encryption algorithm that is supported'),
);

function encryptionMembers(kind: 'alg' | 'enc') {
  return SIGNED_ANSWERS.map(({ encryption }) => encryption[kind].registered);
}

function signingMembers(required: 'always' | 'if-registered') {
  return SIGNED_ANSWERS.filter(({ signing }) => signing.required === required).map(({ signing }) => signing.registered);
}

const absoluteUri = v.pipe(v.string(), v.check(isAbsoluteUri, 'must be an absolute URI without a fragment'));

const jwkSet = v.looseObject({ keys: v.array(v.record(v.string(), v.unknown())) });

/** Names that `ClientMetadata` documents. The compiler proves that the schema has the same. */
type KnownMember = keyof {
  [Member in keyof ClientMetadata as Member extends string ? (string extends Member ? never : Member) : never]: true;
};

/** Schema of client metadata: the members that this library reads. Others are kept as they are. */
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
  jwks_uri: v.optional(absoluteUri),
  ...v.entriesFromList(METHOD_MEMBERS, v.optional(authenticationMethod)),
  token_endpoint_auth_signing_alg: v.optional(ownAlgorithm),
  redirect_uris: v.optional(v.pipe(v.array(absoluteUri), v.nonEmpty('must name at least one URI'))),
  post_logout_redirect_uris: v.optional(v.array(absoluteUri)),
  backchannel_logout_uri: v.optional(absoluteUri),
  backchannel_logout_session_required: v.optional(v.boolean()),
  frontchannel_logout_uri: v.optional(absoluteUri),
  frontchannel_logout_session_required: v.optional(v.boolean()),
  initiate_login_uri: v.optional(absoluteUri),
  backchannel_token_delivery_mode: v.optional(v.picklist(DELIVERY_MODES, 'must be poll, ping or push')),
  backchannel_client_notification_endpoint: v.optional(absoluteUri),
  backchannel_authentication_request_signing_alg: v.optional(ownKeyAlgorithm),
  backchannel_user_code_parameter: v.optional(v.boolean()),
  response_types: v.optional(v.array(v.string())),
  grant_types: v.optional(v.array(v.string())),
  scope: v.optional(scopeSchema),
  ...v.entriesFromList(signingMembers('if-registered'), v.optional(signingAlgorithm)),
  ...v.entriesFromList(signingMembers('always'), v.optional(signingAlgorithmOrNone)),
  ...v.entriesFromList(encryptionMembers('alg'), v.optional(keyManagementAlgorithm)),
  ...v.entriesFromList(encryptionMembers('enc'), v.optional(contentEncryptionAlgorithm)),
  default_max_age: v.optional(
    v.pipe(v.number(), v.integer('must be whole seconds'), v.minValue(0, 'must not be negative')),
  ),
  require_auth_time: v.optional(v.boolean()),
  default_acr_values: v.optional(v.array(visible)),
  ...v.entriesFromList([REQUEST_OBJECT.signing.registered], v.optional(signingAlgorithmOrNone)),
  ...v.entriesFromList([REQUEST_OBJECT.encryption.alg.registered], v.optional(keyManagementAlgorithm)),
  ...v.entriesFromList([REQUEST_OBJECT.encryption.enc.registered], v.optional(contentEncryptionAlgorithm)),
  require_signed_request_object: v.optional(v.boolean()),
  require_pushed_authorization_requests: v.optional(v.boolean()),
  authorization_details_types: v.optional(v.array(v.string())),
  use_mtls_endpoint_aliases: v.optional(v.boolean()),
  tls_client_certificate_bound_access_tokens: v.optional(v.boolean()),
  dpop_bound_access_tokens: v.optional(v.boolean()),
} satisfies Record<KnownMember, v.GenericSchema>);

/** Schema that fills in the method of each endpoint. `otherwise` is the method where none is registered. */
export function methodsSchema(otherwise: ClientAuthenticationMethod) {
  return v.object(v.entriesFromList(METHOD_MEMBERS, v.optional(authenticationMethod, otherwise)));
}

/** Client metadata as the library reads it: frozen, secrets wrapped, `jwks` with public members only, methods filled in. */
export type ParsedClientMetadata = Readonly<v.InferOutput<typeof clientMetadataSchema>> &
  Readonly<v.InferOutput<ReturnType<typeof methodsSchema>>>;

/** Clock skew in seconds. A wrong value is refused, and never replaced by the default. */
export const clockSkewSchema = v.pipe(v.number(), v.finite('must be a finite number of seconds'));

export const clockToleranceSchema = v.pipe(
  v.number(),
  v.minValue(0, 'must be 0 to 300 seconds'),
  v.maxValue(300, 'must be 0 to 300 seconds'),
);
