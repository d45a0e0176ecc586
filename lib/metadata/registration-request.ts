import * as v from 'valibot';

import { publicJwk } from '../jose/jwk.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../values/json.js';
import { plainJson } from '../values/plain-json.js';
import { isLoopback, isSafeUrl, isWebUrl, parsedUrl } from '../values/url.js';
import { problemsIn } from '../values/validate.js';
import type { ClientMetadata } from './client-metadata.js';
import { clientMetadataSchema } from './client-metadata.schema.js';
import { invalid, throwFirst, type Finding } from './finding.js';

/** Members that the server gives: a client that asks for a registration has none of them. */
const GIVEN_BY_SERVER: readonly string[] = [
  'client_id',
  'client_secret',
  'client_id_issued_at',
  'client_secret_expires_at',
  'registration_access_token',
  'registration_client_uri',
];

const REGISTRATION = 'OpenID Connect Dynamic Client Registration 1.0, section 2';

const requestSchema = v.omit(clientMetadataSchema, ['client_id', 'client_secret']);

/**
 * The members that are sent to register a client (RFC 7591, section 2): public keys only, and grant types that fit the response
 * types.
 *
 * @throws {ConfigError} a member is wrong, or no server could take it
 */
export function registrationRequest(metadata: Partial<ClientMetadata>): JsonObject {
  const { client_secret: _, ...own } = metadata;
  const members = Object.fromEntries(
    Object.entries(plainJson(own, 'client')).filter(([name]) => !GIVEN_BY_SERVER.includes(name)),
  );
  const wrong = problemsIn(requestSchema, members, 'client').map((problem) => invalid(problem, 'RFC 7591, section 2'));
  throwFirst(wrong);
  throwFirst(CHECKS.flatMap((check) => check(members)));
  const { jwks, jwks_uri, grant_types = grantTypesFor(members), ...others } = members;
  return {
    ...others,
    ...(grant_types !== undefined && { grant_types }),
    // RFC 7591, section 2: never both.
    ...(jwks_uri === undefined ? jwks !== undefined && { jwks: publicKeys(jwks) } : { jwks_uri }),
  };
}

function publicKeys(jwks: JsonValue): JsonObject {
  const keys = isJsonObject(jwks) && Array.isArray(jwks['keys']) ? jwks['keys'].filter(isJsonObject) : [];
  return { keys: keys.filter(({ kty }) => kty !== 'oct').map(publicJwk) };
}

/** The grant types of each part of a response type (section 2). */
const GRANT_TYPES: Readonly<Record<string, string>> = {
  code: 'authorization_code',
  id_token: 'implicit',
  token: 'implicit',
};

function grantTypesFor({ response_types: types }: JsonObject): readonly string[] | undefined {
  const parts = textsOf(types).flatMap((type) => type.split(' '));
  const grants = parts.flatMap((part) => GRANT_TYPES[part] ?? []);
  return types === undefined ? undefined : [...new Set(grants)];
}

function textsOf(value: JsonValue | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

const CHECKS: readonly ((members: JsonObject) => readonly Finding[])[] = [
  missingGrantTypes,
  wrongUris,
  implicitUris,
  missingKeys,
];

function missingGrantTypes(members: JsonObject): readonly Finding[] {
  const { grant_types: grants } = members;
  const missing = grantTypesFor(members)?.find((grant) => grants !== undefined && !textsOf(grants).includes(grant));
  const problem = `lacks ${missing}, which the response_types need`;
  return missing === undefined ? [] : [invalid({ member: 'client.grant_types', problem }, REGISTRATION)];
}

/** URIs that a server fetches or sends a browser to. Those of the first list must be https (section 2). */
const SECURE_URIS: readonly string[] = ['jwks_uri', 'sector_identifier_uri', 'initiate_login_uri'];
const PAGE_URIS: readonly string[] = ['logo_uri', 'client_uri', 'policy_uri', 'tos_uri'];

function wrongUris(members: JsonObject): readonly Finding[] {
  return [...SECURE_URIS, ...PAGE_URIS].flatMap((name) => {
    const value = members[name];
    const isGood =
      typeof value === 'string' && (SECURE_URIS.includes(name) ? isSafeUrl(parsedUrl(value)) : isWebUrl(value));
    const problem = SECURE_URIS.includes(name) ? 'must be an https URL' : 'must be the URL of a page';
    return value === undefined || isGood ? [] : [invalid({ member: `client.${name}`, problem }, REGISTRATION)];
  });
}

/** A web client gets tokens from the front channel at https only, and not on this machine (section 2). */
function implicitUris({
  application_type: type = 'web',
  grant_types,
  response_types,
  redirect_uris,
}: JsonObject): readonly Finding[] {
  const grants = grant_types ?? grantTypesFor({ response_types });
  const isInsecure = textsOf(redirect_uris).some((uri) => {
    const { protocol, hostname } = new URL(uri);
    return protocol !== 'https:' || isLoopback(hostname);
  });
  const problem = 'must be https and not localhost, for a web client whose response types have id_token or token';
  return type === 'web' && textsOf(grants).includes('implicit') && isInsecure
    ? [invalid({ member: 'client.redirect_uris', problem }, REGISTRATION)]
    : [];
}

/** The methods whose keys the server has to know. */
const KEY_METHODS: readonly JsonValue[] = ['private_key_jwt', 'self_signed_tls_client_auth'];

function missingKeys({ token_endpoint_auth_method: method = '', jwks, jwks_uri }: JsonObject): readonly Finding[] {
  const problem = `is required by token_endpoint_auth_method ${String(method)}, or jwks_uri`;
  return KEY_METHODS.includes(method) && jwks === undefined && jwks_uri === undefined
    ? [invalid({ member: 'client.jwks', problem }, REGISTRATION)]
    : [];
}
