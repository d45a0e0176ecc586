import { RESPONSE_MODES, RESPONSE_TYPES } from './authorization-responses.js';
import type { ProviderContext } from './context.js';
import { CONTENT_ENCRYPTION, KEY_MANAGEMENT, type EncryptedAnswer } from './encrypting.js';
import type { Answer } from './http-answer.js';
import { ASYMMETRIC_ALGORITHMS } from './keys.js';
import type { Recorded } from './loopback-server.js';
import type { Members } from './response-hooks.js';
import { GRANT_TYPES } from './token-endpoint.js';

const METHODS = ['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt', 'none'];

/** OpenID Connect Discovery 1.0, section 4; RFC 8414, section 3. */
export async function discovery(op: ProviderContext, request: Recorded): Promise<Answer> {
  return { body: await op.hooks.discovery(document(op), request) };
}

/** The key set (RFC 7517, section 5). */
export async function jwks(op: ProviderContext, request: Recorded): Promise<Answer> {
  return { body: await op.hooks.jwks({ keys: op.keys.published }, request) };
}

function encryption(answer: EncryptedAnswer): Members {
  return {
    [`${answer}_encryption_alg_values_supported`]: KEY_MANAGEMENT,
    [`${answer}_encryption_enc_values_supported`]: CONTENT_ENCRYPTION,
  };
}

function document({ issuer, url, managesSessions }: ProviderContext): Members {
  return {
    issuer,
    authorization_endpoint: url('authorize'),
    pushed_authorization_request_endpoint: url('par'),
    token_endpoint: url('token'),
    userinfo_endpoint: url('userinfo'),
    introspection_endpoint: url('introspect'),
    revocation_endpoint: url('revoke'),
    end_session_endpoint: url('end-session'),
    device_authorization_endpoint: url('device-authorization'),
    registration_endpoint: url('register'),
    ...(managesSessions && { check_session_iframe: url('check-session') }),
    backchannel_authentication_endpoint: url('backchannel-authentication'),
    backchannel_token_delivery_modes_supported: ['poll', 'ping', 'push'],
    backchannel_authentication_request_signing_alg_values_supported: ASYMMETRIC_ALGORITHMS,
    backchannel_user_code_parameter_supported: true,
    jwks_uri: url('jwks'),
    scopes_supported: ['openid', 'profile', 'email', 'offline_access', 'orders:read', 'orders:write'],
    response_types_supported: RESPONSE_TYPES,
    response_modes_supported: RESPONSE_MODES,
    grant_types_supported: [...GRANT_TYPES, 'implicit'],
    dpop_signing_alg_values_supported: ASYMMETRIC_ALGORITHMS,
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [...ASYMMETRIC_ALGORITHMS, 'HS256'],
    userinfo_signing_alg_values_supported: ASYMMETRIC_ALGORITHMS,
    introspection_signing_alg_values_supported: ASYMMETRIC_ALGORITHMS,
    ...encryption('id_token'),
    ...encryption('userinfo'),
    ...encryption('introspection'),
    ...encryption('authorization'),
    authorization_signing_alg_values_supported: ASYMMETRIC_ALGORITHMS,
    token_endpoint_auth_methods_supported: METHODS,
    introspection_endpoint_auth_methods_supported: METHODS,
    revocation_endpoint_auth_methods_supported: METHODS,
    request_parameter_supported: true,
    request_object_signing_alg_values_supported: [...ASYMMETRIC_ALGORITHMS, 'HS256', 'HS512', 'none'],
    request_object_encryption_alg_values_supported: KEY_MANAGEMENT,
    request_object_encryption_enc_values_supported: CONTENT_ENCRYPTION,
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
  };
}
