import * as v from 'valibot';

import { ConfigError, DiscoveryError } from '../errors/errors.js';
import { printable, quoted } from '../errors/log-line.js';
import type { ErrorFacts } from '../errors/oidc.error.js';
import { isTemplate, isTemplateOf } from '../jose/tenant.js';
import type { JsonObject, JsonValue } from '../values/json.js';
import { anyOf, FILLED_LIST, readMembers, RECORD, type MemberTypes } from '../values/tolerant-reader.js';
import { isLoopback, locationOf, parsedUrl } from '../values/url.js';
import { METHOD_LISTS, type PublishedMethods } from './authentication-method.js';
import { algorithmMembers, SIGNED_ANSWERS, type PublishedProtection } from './protected-answer.js';
import { REQUEST_MEMBERS, type PublishedRequests } from './protected-request.js';
import type { Tenants } from './tenants.js';

/** The endpoints that the library calls or sends a browser to. */
const ENDPOINTS = [
  'authorization_endpoint',
  'pushed_authorization_request_endpoint',
  'token_endpoint',
  'userinfo_endpoint',
  'introspection_endpoint',
  'revocation_endpoint',
  'end_session_endpoint',
  'device_authorization_endpoint',
  'backchannel_authentication_endpoint',
  'registration_endpoint',
] as const;

export type Endpoint = (typeof ENDPOINTS)[number];

type PublishedEndpoints = { readonly [endpoint in Endpoint]?: string | undefined };

/**
 * Authorization server metadata (OpenID Connect Discovery 1.0, section 3; RFC 8414, section 2; RFC 8628, section 4; CIBA Core
 * 1.0, section 4; RFC 9126; RFC 9207; RFC 9449; RFC 9701).
 */
export interface ServerMetadata extends PublishedEndpoints, PublishedMethods, PublishedProtection, PublishedRequests {
  readonly [metadata: string]: JsonValue | undefined;

  readonly issuer: string;
  /** What `iss` of an access token is, where that is another name than `issuer` (MS-OIDCE; AD FS has it). */
  readonly access_token_issuer?: string | undefined;
  readonly jwks_uri?: string | undefined;
  /** The frame that tells of the browser's session there (OpenID Connect Session Management 1.0, section 3.3). */
  readonly check_session_iframe?: string | undefined;
  readonly response_types_supported?: readonly string[] | undefined;
  readonly authorization_response_iss_parameter_supported?: boolean | undefined;
  readonly require_signed_request_object?: boolean | undefined;
  readonly request_parameter_supported?: boolean | undefined;
  readonly require_pushed_authorization_requests?: boolean | undefined;
  readonly dpop_signing_alg_values_supported?: readonly string[] | undefined;
  readonly backchannel_token_delivery_modes_supported?: readonly string[] | undefined;
  readonly backchannel_authentication_request_signing_alg_values_supported?: readonly string[] | undefined;
  /** Where the endpoints are for clients that show a certificate (RFC 8705, section 5). */
  readonly mtls_endpoint_aliases?: Readonly<Record<string, string>> | undefined;
}

const strings = v.optional(v.array(v.string()));
const uri = v.optional(v.string());

const schema = v.object({
  issuer: v.string(),
  access_token_issuer: v.optional(v.pipe(v.string(), v.nonEmpty())),
  ...v.entriesFromList(ENDPOINTS, uri),
  jwks_uri: uri,
  check_session_iframe: uri,
  response_types_supported: strings,
  ...v.entriesFromList(METHOD_LISTS, strings),
  ...v.entriesFromList(
    [...SIGNED_ANSWERS.flatMap(algorithmMembers), ...REQUEST_MEMBERS].map(({ published }) => published),
    strings,
  ),
  code_challenge_methods_supported: strings,
  dpop_signing_alg_values_supported: strings,
  backchannel_token_delivery_modes_supported: strings,
  backchannel_authentication_request_signing_alg_values_supported: strings,
  authorization_response_iss_parameter_supported: v.optional(v.boolean()),
  require_signed_request_object: v.optional(v.boolean()),
  request_parameter_supported: v.optional(v.boolean()),
  require_pushed_authorization_requests: v.optional(v.boolean()),
  mtls_endpoint_aliases: v.optional(v.record(v.string(), v.string())),
});

/** Types of the members. An empty list of methods counts as absent: no client could authenticate. */
const MEMBER_TYPES: MemberTypes = {
  ...anyOf(Object.keys(schema.entries)),
  ...Object.fromEntries(METHOD_LISTS.map((list) => [list, FILLED_LIST])),
  mtls_endpoint_aliases: RECORD,
};

/**
 * Egress rule: which URLs may be called. Plain http is for a loopback issuer or back channel, or where the configuration
 * allows it.
 */
export interface EgressRule {
  readonly issuer: string;
  /** Where the server is reached from here; undefined: at the issuer. */
  readonly backchannelUrl?: string | undefined;
  readonly insecureHttp: boolean;
}

/** What the metadata of a server has to fit. */
export interface MetadataRule extends EgressRule {
  /** Which tenants are taken; undefined: the server has to be that of one issuer. */
  readonly tenants?: Tenants | undefined;
}

/**
 * Reads the server's metadata. Every URL in it must obey the egress rule.
 *
 * @throws {DiscoveryError} a member is of a wrong type or not a URL that we would call, or the issuer is another
 * @throws {ConfigError} the server issues for many tenants, and `tenants` does not say which of them count; or it is there
 *   for a server of one issuer
 */
export function parseServerMetadata(published: JsonObject, rule: MetadataRule): ServerMetadata {
  const document = readMembers(published, MEMBER_TYPES);
  const result = v.safeParse(schema, document, { abortEarly: true });
  if (!result.success) {
    const [issue] = result.issues;
    const { expected, received } = issue;
    const facts = received === 'undefined' ? { found: 'nothing' } : { found: received, wanted: expected ?? undefined };
    throw invalid(v.getDotPath(issue) ?? 'the document', facts);
  }
  const { issuer } = result.output;
  if (issuer !== rule.issuer && !isTemplateOf(issuer, rule.issuer)) {
    const [expected, published] = [quoted(rule.issuer), quoted(issuer)];
    throw new DiscoveryError(
      'ISSUER_MISMATCH',
      `The server at ${expected} publishes the metadata of another issuer: ${published}.`,
    );
  }
  requireTenants(result.output, rule);
  for (const [member, value] of Object.entries(document)) {
    if (isUrlMember(member) && typeof value === 'string') {
      requireCallable(member, value, rule);
    }
  }
  for (const [member, value] of Object.entries(result.output.mtls_endpoint_aliases ?? {})) {
    requireCallable(`mtls_endpoint_aliases.${member}`, value, rule);
  }
  return { ...document, ...result.output };
}

/** @throws {ConfigError} the server issues for many tenants and the option is missing, or the other way round */
function requireTenants(
  { issuer, access_token_issuer }: Pick<ServerMetadata, 'issuer' | 'access_token_issuer'>,
  rule: MetadataRule,
): void {
  const isForMany = isTemplate(issuer) || isTemplate(access_token_issuer ?? '');
  if (isForMany === (rule.tenants !== undefined)) {
    return;
  }
  const problem = isForMany
    ? 'is required: the issuer in the metadata holds {tenantid}, so that it stands for every tenant'
    : 'must not be set: the issuer in the metadata is one, and holds no {tenantid}';
  // The option may be that of any trusted issuer.
  throw new ConfigError('INVALID_CONFIG', 'tenants', problem, { facts: { issuer: rule.issuer } });
}

function isUrlMember(member: string): boolean {
  return member.endsWith('_endpoint') || member === 'jwks_uri';
}

function requireCallable(member: string, value: string, rule: EgressRule): void {
  const wanted = missedBy(value, rule);
  if (wanted !== undefined) {
    // Without user information, which may be a secret.
    throw invalid(member, { found: /^https?:/i.test(value) ? (locationOf(value) ?? value) : value, wanted });
  }
}

function invalid(member: string, facts: ErrorFacts): DiscoveryError {
  return new DiscoveryError(
    'INVALID_SERVER_METADATA',
    `The server's metadata has a wrong value: ${printable(member)}.`,
    { facts },
  );
}

/** Whether a URL may be called: https without user information, or http where the egress rule allows it. */
export function isCallable(value: string, rule: EgressRule): boolean {
  return missedBy(value, rule) === undefined;
}

/** What a URL is not, so that it may not be called; undefined: it may. */
function missedBy(value: string, rule: EgressRule): string | undefined {
  const url = parsedUrl(value);
  if (url === undefined) {
    return 'a URL';
  }
  const isHere = [rule.issuer, rule.backchannelUrl ?? rule.issuer].some((known) => isLoopback(new URL(known).hostname));
  const isPlain = rule.insecureHttp || (isLoopback(url.hostname) && isHere);
  if (url.protocol !== 'https:' && (url.protocol !== 'http:' || !isPlain)) {
    return 'https';
  }
  if (url.username !== '' || url.password !== '') {
    return 'a URL without user information';
  }
  return value.includes('#') ? 'a URL without fragment' : undefined;
}
