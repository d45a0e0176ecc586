import * as v from 'valibot';

import { isAsymmetric } from '../jose/algorithms.js';
import type { ClientMetadata } from '../metadata/client-metadata.js';
import type { DiscoveryDocument } from '../metadata/discovery.js';
import type { SecurityProfile } from '../metadata/security-profiles.js';
import type { ServerMetadata } from '../metadata/server-metadata.js';
import type { Tenants } from '../metadata/tenants.js';
import { VALIDATIONS } from '../nest/access-rule.js';
import { isObject, member } from '../values/member.js';
import { secretsSchema } from '../values/secrets.schema.js';
import { isWebUrl } from '../values/url.js';
import { isRange } from './sender-constraint/address-range.js';
import { accessTokensSchema, type AccessTokensOption } from '../tokens/access-tokens.option.js';
import type { VerifiedAccessToken } from '../tokens/verified-access-token.js';

const identifier = v.pipe(v.string(), v.nonEmpty('must not be empty'));

const seconds = v.pipe(
  v.number(),
  v.minValue(1, 'must be at least a second'),
  v.maxValue(86_400, 'must be at most a day'),
);

const algorithms = v.pipe(
  v.array(v.pipe(v.string(), v.check(isAsymmetric, 'must be an asymmetric signature algorithm that is supported'))),
  v.nonEmpty('must name an algorithm'),
);

/** RFC 9728, section 1.2: https, or http on this machine, without a fragment. */
const resource = v.pipe(
  v.string(),
  v.check(isWebUrl, 'must be an https URL'),
  v.check((value) => !/[?#\s\\]/.test(value), 'must have no query and no fragment'),
);

/** Error text for what a resolver must return. */
export const TRUSTED_ISSUER = 'must be an object with an issuer, where client and server are objects too';

/** The members beside the issuer are checked one by one, so that the error can name them. */
const listedIssuers = v.array(
  v.custom<TrustedIssuerOptions>(hasIssuer, 'must be an object with an issuer'),
  'must be a list or a function',
);

const resolveIssuer = v.custom<ResolveIssuer>((value) => typeof value === 'function');

const cacheOptionsSchema = v.strictObject({
  /** Seconds for which an active token stays in the cache, never beyond its `exp`. Default 30. */
  ttl: v.optional(seconds, 30),
  /** Seconds for which an inactive token stays in the cache; at most 10. Default 5. */
  negativeTtl: v.optional(v.pipe(seconds, v.maxValue(10, 'must be at most 10 seconds')), 5),
  /** Maximum number of active tokens in the cache of a process; a tenth of it for inactive ones. Default 10000. */
  maxEntries: v.optional(
    v.pipe(v.number(), v.integer('must be a whole number'), v.minValue(10, 'must be at least 10')),
    10_000,
  ),
});

const dpopOptionsSchema = v.strictObject({
  /** Whether every token must be bound to a key. Default false: bearer tokens are accepted too. */
  required: v.optional(v.boolean(), false),
  /** Accepted algorithms of proofs. Default: every asymmetric one, or those of `profile`. */
  algorithms: v.optional(algorithms),
  /**
   * Secrets for nonces: random, at least 32 bytes each, the same on every replica. The first makes nonces, all of them
   * check. Left out: no nonce is required.
   */
  nonceSecret: v.optional(secretsSchema),
});

const headerName = v.pipe(v.string(), v.regex(/^[\w!#$%&'*+.^`|~-]+$/, 'must be the name of a header'));

const proxyOptionsSchema = v.strictObject({
  /** The proxy's header with the client certificate: in the form of RFC 9440, or as PEM, percent-encoded or not. */
  header: headerName,
  /** A header that must say `SUCCESS`, for example with nginx's `$ssl_client_verify`. */
  verifiedHeader: v.optional(headerName),
  /** Addresses of the proxies, or ranges such as `10.0.0.0/8`. The headers of any other sender are ignored. */
  trusted: v.pipe(
    v.array(v.pipe(v.string(), v.check(isRange, 'must be an address or a range of addresses'))),
    v.nonEmpty('must name a proxy'),
  ),
});

const mutualTlsOptionsSchema = v.strictObject({
  /** Whether every token must be bound to a certificate. Default false. */
  required: v.optional(v.boolean(), false),
  /** The proxy that terminates TLS. Left out: this process does, and the certificate is that of the connection. */
  proxy: v.optional(proxyOptionsSchema),
});

/**
 * Another issuer whose access tokens are accepted. Only a JWT names its issuer, so an opaque token is introspected at the
 * module's own `issuer`. For opaque tokens of several servers use named clients.
 */
export interface TrustedIssuerOptions {
  /** Its issuer identifier, exactly as in `iss`. */
  readonly issuer: string;
  /** As the module's option. */
  readonly backchannelUrl?: string;
  /** As the module's option. */
  readonly tenants?: Tenants;
  /** As the module's option; `document` is by default the module's. */
  readonly discovery?: { readonly document?: DiscoveryDocument; readonly url?: string };
  /** Our client there, with a secret or a key for introspection. Left out: only its JWTs are accepted. */
  readonly client?: ClientMetadata;
  /** Members of its metadata that override the discovered ones, as in the module's option. */
  readonly server?: Partial<ServerMetadata>;
  /** Profile of its access tokens: a name, or a profile of your own. Default `rfc9068`. */
  readonly accessTokens?: AccessTokensOption;
}

/** A resolver's answer for an issuer; `undefined`, `null` and `false`: not trusted. */
export type ResolvedIssuer = TrustedIssuerOptions | undefined | null | false;

/**
 * Resolver of issuers: decides whether an issuer is trusted. Its argument is the `iss` of a token that is not verified
 * yet: a stranger may have written it. Its answer is kept for five minutes. If it throws, the caller gets 503 and the log
 * the reason.
 */
export type ResolveIssuer = (issuer: string) => ResolvedIssuer | Promise<ResolvedIssuer>;

/** Maps a verified token to the application's user. An error that it throws ends the request. */
export type ValidateAccessToken = (token: VerifiedAccessToken) => unknown;

/** Schema of the `resourceServer` option. */
export const resourceServerOptionsSchema = v.strictObject({
  /** The API's audiences: `aud` must have one of them. `false` switches the check off. */
  audience: v.union(
    [v.pipe(v.array(identifier), v.nonEmpty('must name an audience')), identifier, v.literal(false)],
    'must be a text, a list of texts, or false',
  ),
  /** Maps the verified token to `request.user`. Default: the token itself. */
  validate: v.optional(v.custom<ValidateAccessToken>((value) => typeof value === 'function', 'must be a function')),
  /**
   * How access tokens are verified. `introspection` asks the server about each token. `jwt` verifies its signature.
   * `auto` verifies the signature of JWTs that the profile takes, and introspects all others. A valid JWT that lacks a
   * required claim is refused by `jwt` and introspected by `auto`. Default `introspection`.
   */
  validation: v.optional(v.picklist(VALIDATIONS), 'introspection'),
  /**
   * Profile of the issuer's access tokens: a name, or a profile of your own. JWTs of another shape are refused, or
   * introspected with `auto`. Introspected tokens are read by it too. Default `rfc9068`.
   */
  accessTokens: accessTokensSchema,
  /** Accepted algorithms of JWT access tokens. Default: every asymmetric one, or those of `profile`. */
  algorithms: v.optional(algorithms),
  /** Cache of verified tokens. Left out: each request verifies its token anew. */
  cache: v.optional(cacheOptionsSchema),
  /**
   * The API's own URL (RFC 9728, section 1.2), as its callers write it. With it, protected resource metadata is served
   * and named in challenges.
   */
  resource: v.optional(resource),
  /** More members of the protected resource metadata, such as `resource_name` (RFC 9728, section 2). */
  metadata: v.optional(v.record(v.string(), v.unknown())),
  /** Accepts tokens that are bound to a key (RFC 9449); needs `resource`. Left out: they are refused. */
  dpop: v.optional(dpopOptionsSchema),
  /** Accepts tokens that are bound to a client certificate (RFC 8705). Left out: they are refused. */
  mtls: v.optional(mutualTlsOptionsSchema),
  /** Other issuers whose access tokens are accepted too: a list, or a resolver. */
  issuers: v.optional(
    v.lazy((value) => (typeof value === 'function' ? resolveIssuer : listedIssuers)),
    [],
  ),
});

function hasIssuer(value: unknown): boolean {
  return typeof member(value, 'issuer') === 'string';
}

export function isTrustedIssuer(value: unknown): boolean {
  const isObjectOrLeftOut = (part: unknown): boolean => part === undefined || isObject(part);
  return hasIssuer(value) && isObjectOrLeftOut(member(value, 'client')) && isObjectOrLeftOut(member(value, 'server'));
}

/** `resourceServer`, as an application writes it. */
export type ResourceServerOptions = v.InferInput<typeof resourceServerOptionsSchema>;

/** `resourceServer`, with its defaults. */
export type ResourceServerSettings = v.InferOutput<typeof resourceServerOptionsSchema> & {
  /** Whether every token must be bound, to a key or to a certificate. A security profile says so; left out: no. */
  readonly isBindingRequired?: boolean;
};

/** The settings as a security profile completes them: its algorithms, and no bearer tokens. */
export function profiledSettings(
  settings: ResourceServerSettings,
  { algorithms: allowed, bindings }: SecurityProfile,
): ResourceServerSettings {
  const { mtls } = settings;
  const algorithms = [...allowed];
  const isDpopAdded = mtls === undefined && bindings.includes('dpop');
  const dpop = settings.dpop ?? (isDpopAdded ? { required: true } : undefined);
  return {
    ...settings,
    algorithms: settings.algorithms ?? algorithms,
    // With one kind of binding alone, challenges offer that one only.
    dpop: dpop && { algorithms, ...dpop, required: dpop.required || mtls === undefined },
    mtls: mtls && { ...mtls, required: mtls.required || dpop === undefined },
    isBindingRequired: true,
  };
}

export type CacheSettings = v.InferOutput<typeof cacheOptionsSchema>;

export type DpopSettings = v.InferOutput<typeof dpopOptionsSchema>;

export type MutualTlsSettings = v.InferOutput<typeof mutualTlsOptionsSchema>;

export type ProxySettings = v.InferOutput<typeof proxyOptionsSchema>;
