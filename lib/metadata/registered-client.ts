import { hash } from 'node:crypto';

import * as v from 'valibot';

import type { CustomFetch } from '../http/exchange.js';
import { isPrivate, privateValueOf, publicJwk } from '../jose/jwk.js';
import { ownKey, signingKey, type OwnKey } from '../jose/own-keys.js';
import { isJsonObject, type JsonObject } from '../values/json.js';
import { plainJson } from '../values/plain-json.js';
import { Secret } from '../values/secret.js';
import type { ClientAuthenticationMethod } from './authentication-method.js';
import { clockSkew, clockTolerance, customFetch, type ClientMetadata } from './client-metadata.js';
import { clientMetadataSchema, methodsSchema, type ParsedClientMetadata } from './client-metadata.schema.js';
import { encryptionFindings } from './encryption-findings.js';
import { throwFirst, type Finding } from './finding.js';
import { misspellings, spelled } from './misspelling.js';
import { CLIENT_RULES, membersOfProfile } from './profiled-registration.js';
import {
  ownFindings,
  registrationFindings,
  valueFindings,
  withoutCredentials,
  type Registration,
  type WithoutCredentials,
} from './registration-findings.js';
import { RenewableSecret } from './renewable-secret.js';
import { profileFindings, type SecurityProfile } from './security-profiles.js';

/** A registered client: its metadata with wrapped secrets, and what must not be seen in it. */
export interface RegisteredClient {
  readonly metadata: ParsedClientMetadata;
  readonly keys: readonly OwnKey[];
  /** A `client_secret` that a function makes; undefined: it is text, or there is none. */
  readonly renewableSecret: RenewableSecret | undefined;
  /** The secret to seal with for our own replicas. Undefined: the client has nothing that is secret and stays the same. */
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
 * @param profile fills in what is not registered. Undefined: there is none to keep
 * @throws {ConfigError} a member is wrong, or breaks the profile
 */
export function parseClientMetadata(client: ClientMetadata, profile?: SecurityProfile): RegisteredClient {
  throwFirst(clientFindings(client, profile));
  const { metadata, keys, privateJwks } = readProfiled(client, jsonOf(client), profile);
  const { client_secret } = client;
  return {
    metadata: freeze(metadata),
    keys,
    renewableSecret: typeof client_secret === 'function' ? new RenewableSecret(client_secret) : undefined,
    sealingSecret: metadata.client_secret ?? keySecret(privateJwks[0]),
    skew: client[clockSkew],
    tolerance: client[clockTolerance],
    fetch: client[customFetch],
    cannotIntrospect:
      metadata.introspection_endpoint_auth_method === 'none' ? spelled(withoutCredentials(client), client) : undefined,
    warnings: misspellings(metadata),
  };
}

/**
 * All that is wrong with a registration, as far as it shows without the server.
 *
 * @throws {ConfigError} a member is no JSON
 */
export function clientFindings(client: ClientMetadata, profile?: SecurityProfile): readonly Finding[] {
  const members = jsonOf(client);
  const wrong = valueFindings(members);
  const registration = wrong.length === 0 ? readProfiled(client, members, profile) : undefined;
  return [
    ...wrong,
    ...(registration === undefined ? [] : unfittingMembers(registration, profile)),
    ...ownFindings(client),
  ].map((finding) => spelled(finding, client));
}

/** The members that have good values and do not fit the profile or each other. */
function unfittingMembers(registration: Registration, profile: SecurityProfile | undefined): readonly Finding[] {
  return [
    ...profileFindings(CLIENT_RULES, registration, profile),
    ...registrationFindings(registration),
    ...encryptionFindings(registration),
  ];
}

/** The members without a secret that is a function. @throws {ConfigError} another one is no JSON */
function jsonOf(client: ClientMetadata): JsonObject {
  const { client_secret, ...others } = client;
  return plainJson(typeof client_secret === 'function' ? others : client, 'client');
}

/** Reads a registration, with what a profile fills in. */
function readProfiled(given: ClientMetadata, members: JsonObject, profile: SecurityProfile | undefined): Registration {
  const registration = readRegistration(given, members);
  return profile === undefined
    ? registration
    : readRegistration(given, { ...members, ...membersOfProfile(registration, profile) });
}

/** @param members which have values of the right types */
function readRegistration(given: ClientMetadata, members: JsonObject): Registration {
  const parsed = v.parse(clientMetadataSchema, members);
  const jwks = parsed.jwks?.keys.filter(isJsonObject);
  const privateJwks = jwks?.filter(isPrivate) ?? [];
  const keys = privateJwks.map(ownKey).filter((key) => key !== undefined);
  const method = parsed.token_endpoint_auth_method ?? defaultMethod(given, keys);
  const metadata = {
    ...parsed,
    ...(jwks && { jwks: { keys: jwks.map(publicJwk) } }),
    ...v.parse(methodsSchema(method), parsed),
  };
  return { given, metadata, privateJwks, keys };
}

/** The default of OpenID Connect Core 1.0, section 9, where there is a secret; else what the client has a key for. */
function defaultMethod({ client_secret }: ClientMetadata, keys: readonly OwnKey[]): ClientAuthenticationMethod {
  if (client_secret !== undefined) {
    return 'client_secret_basic';
  }
  return signingKey(keys) === undefined ? 'none' : 'private_key_jwt';
}

/** A hash of a private key. What seals signs nothing: who learns it has no key. */
function keySecret(jwk: JsonObject | undefined): Secret | undefined {
  const value = jwk && privateValueOf(jwk);
  return typeof value === 'string' ? new Secret(hash('sha256', value, 'base64url')) : undefined;
}

/** Freezes a value and all in it. Secrets freeze themselves. */
function freeze<T extends object>(value: T): T {
  Object.values(value).forEach((member) => typeof member === 'object' && member !== null && freeze(member));
  return Object.freeze(value);
}
