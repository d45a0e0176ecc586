import { hash } from 'node:crypto';

import * as v from 'valibot';

import { ConfigError } from '../errors/errors.js';
import type { CustomFetch } from '../http/exchange.js';
import { smallestSecret } from '../jose/algorithms.js';
import { isPrivate, publicJwk } from '../jose/jwk.js';
import { ownKey, signingKey, type OwnKey } from '../jose/own-keys.js';
import { isJsonObject, type JsonObject } from '../values/json.js';
import { plainJson } from '../values/plain-json.js';
import { Secret } from '../values/secret.js';
import { validate } from '../values/validate.js';
import {
  AUTHENTICATION_METHODS,
  METHOD_MEMBERS,
  type AuthenticationMethod,
  type ClientAuthenticationMethod,
} from './authentication-method.js';
import { clockSkew, clockTolerance, customFetch, type ClientMetadata } from './client-metadata.js';
import {
  clientMetadataSchema,
  clockSkewSchema,
  clockToleranceSchema,
  methodsSchema,
  type ParsedClientMetadata,
} from './client-metadata.schema.js';
import { misspellings } from './misspelling.js';
import { SIGNED_ANSWERS } from './protected-answer.js';
import { UNSUPPORTED_METADATA } from './unsupported-metadata.js';

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
    ...v.parse(methodsSchema(method), parsed),
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
  for (const { member, promises } of UNSUPPORTED_METADATA) {
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

/** RFC 7518, section 3.2; OpenID Connect Core 1.0, section 16.19. */
function requireLongSecret(metadata: ParsedClientMetadata): void {
  const algorithms = SIGNED_ANSWERS.map(({ signing: { registered: member } }) => ({
    member: `client.${member}`,
    alg: metadata[member],
  }));
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

/** OpenID Connect Core 1.0, section 9, where there is a secret; else what there is. */
function defaultMethod(secret: Secret | undefined, keys: readonly OwnKey[]): ClientAuthenticationMethod {
  if (secret !== undefined) {
    return 'client_secret_basic';
  }
  return signingKey(keys) === undefined ? 'none' : 'private_key_jwt';
}

/** @throws {ConfigError} a method lacks what it authenticates with */
function requireCredentials(metadata: ParsedClientMetadata, keys: readonly OwnKey[], client: ClientMetadata): void {
  const alg = metadata.token_endpoint_auth_signing_alg;
  for (const member of METHOD_MEMBERS) {
    const method = metadata[member];
    const { needs, fits }: AuthenticationMethod = AUTHENTICATION_METHODS[method];
    if (needs === 'secret' && metadata.client_secret === undefined) {
      const problem = isUnset(client) ? `${UNSET}, and required by` : 'is required by';
      throw new ConfigError('INVALID_CONFIG', 'client.client_secret', `${problem} ${member} ${method}`);
    }
    if (needs === 'key' && signingKey(keys, alg) === undefined) {
      throw new ConfigError('INVALID_CONFIG', 'client.jwks', `holds no private key for ${member} ${method}`);
    }
    if (alg !== undefined && fits?.(alg) === false) {
      throw new ConfigError('INVALID_CONFIG', 'client.token_endpoint_auth_signing_alg', `does not fit ${method}`);
    }
  }
}

/** Why a client has nothing to authenticate with at the introspection endpoint. */
export interface WithoutCredentials {
  /** What is to blame: the method that was chosen, or else what is not there to choose another by. */
  readonly member: string;
  readonly problem: string;
  /** Whether `none` was written out for this endpoint and no other. */
  readonly isIntended: boolean;
}

function withoutCredentials(client: ClientMetadata): WithoutCredentials {
  const members = ['introspection_endpoint_auth_method', 'token_endpoint_auth_method'] as const;
  const chosen = members.find((member) => client[member] === 'none');
  const missing = isUnset(client) ? UNSET : 'is missing, and client.jwks holds no private key to sign with';
  const problem = chosen === undefined ? missing : 'must not be none';
  const why = 'introspection needs a client that authenticates (RFC 7662, section 2.1)';
  const isIntended = chosen === 'introspection_endpoint_auth_method';
  const cure = isIntended ? '; one that takes anybody has to be named in server.introspection_endpoint' : '';
  return { member: `client.${chosen ?? 'client_secret'}`, problem: `${problem}: ${why}${cure}`, isIntended };
}

const UNSET = 'is undefined, like an environment variable that is not set';

/** Somebody meant to register a secret. */
function isUnset(client: ClientMetadata): boolean {
  return 'client_secret' in client && client.client_secret === undefined;
}
