import { hash } from 'node:crypto';

import * as v from 'valibot';

import { ConfigError } from '../errors/errors.js';
import type { CustomFetch } from '../http/exchange.js';
import { smallestSecret } from '../jose/algorithms.js';
import { isPrivate, publicJwk } from '../jose/jwk.js';
import { ownKey, type OwnKey } from '../jose/own-keys.js';
import { isJsonObject, type JsonObject } from '../values/json.js';
import { plainJson } from '../values/plain-json.js';
import { Secret } from '../values/secret.js';
import { validate } from '../values/validate.js';
import {
  defaultMethod,
  METHOD_MEMBERS,
  requireCredentials,
  withoutCredentials,
  type WithoutCredentials,
} from './authentication-method.js';
import { clockSkew, clockTolerance, customFetch, type ClientMetadata } from './client-metadata.js';
import {
  clientMetadataSchema,
  clockSkewSchema,
  clockToleranceSchema,
  UNSUPPORTED_MEMBERS,
  type ParsedClientMetadata,
} from './client-metadata.schema.js';
import { misspellings } from './misspelling.js';

const customFetchSchema = v.optional(
  v.custom<CustomFetch>((value) => typeof value === 'function', 'must be a function'),
);

/** What the library works with: the metadata, and what must not be seen in it. */
export interface RegisteredClient {
  readonly metadata: ParsedClientMetadata;
  readonly keys: readonly OwnKey[];
  /** What to seal with for our own replicas; undefined: the client has nothing that is secret. */
  readonly sealingSecret: Secret | undefined;
  readonly skew: number | undefined;
  readonly tolerance: number | undefined;
  readonly fetch: CustomFetch | undefined;
  /** Why the client can't introspect where clients have to authenticate (RFC 7662, section 2.1). */
  readonly cannotIntrospect: WithoutCredentials | undefined;
  /** What an operator should know of the registration. */
  readonly warnings: readonly string[];
}

/**
 * Reads the registration once, at boot.
 *
 * @throws {ConfigError} a member is wrong, or promises a protection that is not built (`UNSUPPORTED_METADATA`)
 */
export function parseClientMetadata(client: ClientMetadata): RegisteredClient {
  refuseUnsupported(client);
  const parsed = validate(clientMetadataSchema, plainJson(client, 'client'), 'client');
  const jwks = parsed.jwks?.keys.filter(isJsonObject);
  const keys = jwks?.filter(isPrivate).map(requireKey) ?? [];
  const method = parsed.token_endpoint_auth_method ?? defaultMethod(parsed.client_secret, keys);
  const metadata: ParsedClientMetadata = {
    ...parsed,
    ...(jwks && { jwks: { keys: jwks.map(publicJwk) } }),
    token_endpoint_auth_method: method,
    introspection_endpoint_auth_method: parsed.introspection_endpoint_auth_method ?? method,
    revocation_endpoint_auth_method: parsed.revocation_endpoint_auth_method ?? method,
  };
  requireCredentials(metadata, keys, client);
  requireLongSecret(metadata);
  return {
    metadata: freeze(metadata),
    keys,
    sealingSecret: parsed.client_secret ?? keySecret(jwks?.find(isPrivate)),
    skew: validate(v.optional(clockSkewSchema), client[clockSkew], 'client[clockSkew]'),
    tolerance: validate(v.optional(clockToleranceSchema), client[clockTolerance], 'client[clockTolerance]'),
    fetch: validate(customFetchSchema, client[customFetch], 'client[customFetch]'),
    cannotIntrospect: metadata.introspection_endpoint_auth_method === 'none' ? withoutCredentials(client) : undefined,
    warnings: misspellings(parsed),
  };
}

function refuseUnsupported(client: ClientMetadata): void {
  for (const [member, promises] of Object.entries(UNSUPPORTED_MEMBERS)) {
    if (promises(client[member])) {
      throw new ConfigError('UNSUPPORTED_METADATA', `client.${member}`, 'promises a protection that is not built yet');
    }
  }
}

/** A private key that is skipped would leave the client with a weaker way to authenticate, or with none. */
function requireKey(jwk: JsonObject): OwnKey {
  const key = ownKey(jwk);
  if (key === undefined) {
    throw new ConfigError('INVALID_CONFIG', 'client.jwks', 'holds a private key that can not be read or is too short');
  }
  return key;
}

/** A hash: what seals signs nothing, and who learns it has no key. */
function keySecret(jwk: JsonObject | undefined): Secret | undefined {
  const d = jwk?.['d'];
  return typeof d === 'string' ? new Secret(hash('sha256', d, 'base64url')) : undefined;
}

const ALGORITHM_MEMBERS = [
  'id_token_signed_response_alg',
  'userinfo_signed_response_alg',
  'introspection_signed_response_alg',
] as const;

/** RFC 7518, section 3.2; OpenID Connect Core 1.0, section 16.19. */
function requireLongSecret(metadata: ParsedClientMetadata): void {
  const algorithms = ALGORITHM_MEMBERS.map((member) => ({ member: `client.${member}`, alg: metadata[member] }));
  if (METHOD_MEMBERS.some((member) => metadata[member] === 'client_secret_jwt')) {
    const alg = metadata.token_endpoint_auth_signing_alg ?? 'HS256';
    algorithms.push({ member: 'client.token_endpoint_auth_signing_alg', alg });
  }
  for (const { member, alg } of algorithms) {
    const bytes = Buffer.byteLength(metadata.client_secret?.reveal() ?? '');
    if (alg !== undefined && bytes < smallestSecret(alg)) {
      throw new ConfigError('INVALID_CONFIG', member, `needs a client_secret of ${smallestSecret(alg)} bytes or more`);
    }
  }
}

/** Secrets freeze themselves. */
function freeze<T extends object>(value: T): T {
  Object.values(value).forEach((member) => typeof member === 'object' && member !== null && freeze(member));
  return Object.freeze(value);
}
