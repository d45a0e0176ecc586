import * as v from 'valibot';

import type { CustomFetch } from '../http/exchange.js';
import { smallestSecret } from '../jose/algorithms.js';
import { sharedKeyLength, type EncryptionAlgorithms } from '../jose/encryption-algorithms.js';
import { signingKey, type OwnKey } from '../jose/own-keys.js';
import type { JsonObject } from '../values/json.js';
import { problemsIn } from '../values/validate.js';
import { AUTHENTICATION_METHODS, METHOD_MEMBERS, type AuthenticationMethod } from './authentication-method.js';
import { clockSkew, clockTolerance, customFetch, type ClientMetadata } from './client-metadata.js';
import {
  clientMetadataSchema,
  clockSkewSchema,
  clockToleranceSchema,
  type ParsedClientMetadata,
} from './client-metadata.schema.js';
import { backchannelFindings } from './backchannel-delivery.js';
import { invalid, type Finding } from './finding.js';
import { registeredEncryption, SIGNED_ANSWERS } from './protected-answer.js';
import { REQUEST_OBJECT, requestEncryption } from './protected-request.js';
import { requestObjectFindings } from './request-object-findings.js';

/** A registration, as it was written and as it was read. */
export interface Registration {
  readonly given: ClientMetadata;
  readonly metadata: ParsedClientMetadata;
  readonly privateJwks: readonly JsonObject[];
  /** Those of the private keys that can be used. */
  readonly keys: readonly OwnKey[];
}

const CLIENT_METADATA = 'RFC 7591, section 2';
const OWN_MEMBERS = 'nestjs-oidc, client metadata';

const customFetchSchema = v.custom<CustomFetch>((value) => typeof value === 'function', 'must be a function');

/** The registered members that have a wrong value. */
export function valueFindings(members: JsonObject): readonly Finding[] {
  return problemsIn(clientMetadataSchema, members, 'client').map((problem) => invalid(problem, CLIENT_METADATA));
}

/** Our own members that have a wrong value: those whose names are symbols. */
export function ownFindings(client: ClientMetadata): readonly Finding[] {
  return [
    ...problemsIn(v.optional(clockSkewSchema), client[clockSkew], 'client[clockSkew]'),
    ...problemsIn(v.optional(clockToleranceSchema), client[clockTolerance], 'client[clockTolerance]'),
    ...problemsIn(v.optional(customFetchSchema), client[customFetch], 'client[customFetch]'),
  ].map((problem) => invalid(problem, OWN_MEMBERS));
}

/** The members that have good values and do not fit each other. */
export function registrationFindings(registration: Registration): readonly Finding[] {
  return CHECKS.flatMap((check) => check(registration));
}

const CHECKS: readonly ((registration: Registration) => readonly Finding[])[] = [
  unreadableKeys,
  missingCredentials,
  shortSecrets,
  requestObjectFindings,
  backchannelFindings,
];

/** A private key that is skipped would leave the client with a weaker way to authenticate, or with none. */
function unreadableKeys({ privateJwks, keys }: Registration): readonly Finding[] {
  const problem = 'holds a private key that can not be read or is too short';
  return keys.length < privateJwks.length ? [invalid({ member: 'client.jwks', problem }, 'RFC 7517, section 4')] : [];
}

const AUTHENTICATION = 'OpenID Connect Core 1.0, section 9';

/** Each method has what it authenticates with. */
function missingCredentials({ given, metadata, keys }: Registration): readonly Finding[] {
  const alg = metadata.token_endpoint_auth_signing_alg;
  return METHOD_MEMBERS.flatMap((member) => {
    const method = metadata[member];
    const { needs, fits }: AuthenticationMethod = AUTHENTICATION_METHODS[method];
    const findings: Finding[] = [];
    if (needs === 'secret' && given.client_secret === undefined) {
      const problem = `${isSecretUnset(given) ? `${UNSET}, and required by` : 'is required by'} ${member} ${method}`;
      findings.push(invalid({ member: 'client.client_secret', problem }, AUTHENTICATION));
    }
    if (needs === 'key' && signingKey(keys, alg) === undefined) {
      const problem = `holds no private key for ${member} ${method}`;
      findings.push(invalid({ member: 'client.jwks', problem }, AUTHENTICATION));
    }
    if (alg !== undefined && fits?.(alg) === false) {
      const problem = `does not fit ${method}`;
      findings.push(invalid({ member: 'client.token_endpoint_auth_signing_alg', problem }, AUTHENTICATION));
    }
    return findings;
  });
}

/** The secret is as long as every algorithm asks that it is the key of (OpenID Connect Core 1.0, section 16.19). */
function shortSecrets({ given, metadata }: Registration): readonly Finding[] {
  const bytes = Buffer.byteLength(metadata.client_secret?.reveal() ?? '');
  return secretsNeeded(metadata)
    .filter(({ smallest }) => bytes < smallest)
    .map(({ member, smallest, rule }) => {
      const problem =
        typeof given.client_secret === 'function'
          ? 'needs a client_secret that is text: a function may make another one at any time'
          : `needs a client_secret of ${smallest} bytes or more`;
      return invalid({ member: `client.${member}`, problem }, rule);
    });
}

const SECTION_OF_SHARED = 'OpenID Connect Core 1.0, section 10.2';

function smallestShared(encrypted: EncryptionAlgorithms | undefined): number {
  return (encrypted && sharedKeyLength(encrypted)) ?? 0;
}

/** A secret that an algorithm needs, and its length in bytes. */
interface SecretNeeded {
  readonly member: string;
  readonly smallest: number;
  readonly rule: string;
}

/** The secrets for JWTs of the client and of the server, where their algorithms are known at boot. */
function secretsNeeded(metadata: ParsedClientMetadata): readonly SecretNeeded[] {
  const rule = 'RFC 7518, section 3.2';
  const answers = SIGNED_ANSWERS.flatMap((answer) => {
    const { signing, encryption } = answer;
    const encrypted = registeredEncryption(answer, metadata);
    return [
      { member: signing.registered, smallest: smallestSecret(metadata[signing.registered] ?? ''), rule },
      { member: encryption.alg.registered, smallest: smallestShared(encrypted), rule: SECTION_OF_SHARED },
    ];
  });
  const { signing, encryption } = REQUEST_OBJECT;
  const encrypted = requestEncryption(metadata);
  const requests = [
    { member: signing.registered, smallest: smallestSecret(metadata[signing.registered] ?? ''), rule },
    { member: encryption.alg.registered, smallest: smallestShared(encrypted), rule: SECTION_OF_SHARED },
  ];
  const smallest = smallestSecret(metadata.token_endpoint_auth_signing_alg ?? 'HS256');
  return METHOD_MEMBERS.some((member) => metadata[member] === 'client_secret_jwt')
    ? [...answers, ...requests, { member: 'token_endpoint_auth_signing_alg', smallest, rule }]
    : [...answers, ...requests];
}

/** Why a client has nothing to authenticate with at the introspection endpoint. */
export interface WithoutCredentials extends Finding {
  /** Whether `none` was written out for this endpoint and no other. */
  readonly isIntended: boolean;
}

/** The finding about a client that is to introspect and authenticates with nothing. */
export function withoutCredentials(client: ClientMetadata): WithoutCredentials {
  const members = ['introspection_endpoint_auth_method', 'token_endpoint_auth_method'] as const;
  const chosen = members.find((member) => client[member] === 'none');
  const missing = isSecretUnset(client) ? UNSET : 'is missing, and client.jwks holds no private key to sign with';
  const blamed = chosen === undefined ? missing : 'must not be none';
  const why = 'introspection needs a client that authenticates (RFC 7662, section 2.1)';
  const isIntended = chosen === 'introspection_endpoint_auth_method';
  const cure = isIntended ? '; one that takes anybody has to be named in server.introspection_endpoint' : '';
  const member = `client.${chosen ?? 'client_secret'}`;
  return { ...invalid({ member, problem: `${blamed}: ${why}${cure}` }, 'RFC 7662, section 2.1'), isIntended };
}

const UNSET = 'is undefined, like an environment variable that is not set';

/** Whether somebody meant to register a secret. */
function isSecretUnset(client: ClientMetadata): boolean {
  return 'client_secret' in client && client.client_secret === undefined;
}
