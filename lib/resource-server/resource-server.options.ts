import * as v from 'valibot';

import { isAsymmetric } from '../jose/algorithms.js';
import type { ClientMetadata } from '../metadata/client-metadata.js';
import type { ServerMetadata } from '../metadata/server-metadata.js';
import { VALIDATIONS } from '../nest/access-rule.js';
import { isObject, member } from '../values/member.js';
import { secretsSchema } from '../values/secrets.schema.js';
import { isRange } from './sender-constraint/address-range.js';
import type { VerifiedAccessToken } from './verified-access-token.js';

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
  v.check((value) => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol), 'must be an https URL'),
  v.check((value) => !/[?#\s\\]/.test(value), 'must have no query and no fragment'),
);

/** What a function has to return, in the words of an error. */
export const TRUSTED_ISSUER = 'must be an object with an issuer, where client and server are objects too';

/** The members beside the issuer are checked one by one, so that the error can name them. */
const listedIssuers = v.array(
  v.custom<TrustedIssuerOptions>(hasIssuer, 'must be an object with an issuer'),
  'must be a list or a function',
);

const resolveIssuer = v.custom<ResolveIssuer>((value) => typeof value === 'function');

const cacheOptionsSchema = v.strictObject({
  /** Seconds that a token is not looked into again, never beyond its `exp`. Default 30. */
  ttl: v.optional(seconds, 30),
  /** Seconds that it is remembered that a token is not active; at most 10. Default 5. */
  negativeTtl: v.optional(v.pipe(seconds, v.maxValue(10, 'must be at most 10 seconds')), 5),
  /** How many tokens are remembered in a process; a tenth as many that are not active. Default 10000. */
  maxEntries: v.optional(
    v.pipe(v.number(), v.integer('must be a whole number'), v.minValue(10, 'must be at least 10')),
    10_000,
  ),
});

const dpopOptionsSchema = v.strictObject({
  /** Whether a token has to be bound. Default false: one that is not may be sent as a bearer token. */
  required: v.optional(v.boolean(), false),
  /** The algorithms of proofs. Default: every asymmetric one. */
  algorithms: v.optional(algorithms),
  /**
   * What nonces are made with, the same at each replica: random, at least 32 bytes. The first makes them, all of them are
   * accepted. Left out: no nonce is asked for.
   */
  nonceSecret: v.optional(secretsSchema),
});

const headerName = v.pipe(v.string(), v.regex(/^[\w!#$%&'*+.^`|~-]+$/, 'must be the name of a header'));

const proxyOptionsSchema = v.strictObject({
  /** The header in which the proxy hands on the certificate: as RFC 9440 writes it, or as PEM, percent-encoded or not. */
  header: headerName,
  /** A header that must then say `SUCCESS`, as nginx's `$ssl_client_verify` does. */
  verifiedHeader: v.optional(headerName),
  /** Addresses of the proxies, or ranges such as `10.0.0.0/8`. From anybody else the headers count for nothing. */
  trusted: v.pipe(
    v.array(v.pipe(v.string(), v.check(isRange, 'must be an address or a range of addresses'))),
    v.nonEmpty('must name a proxy'),
  ),
});

const mutualTlsOptionsSchema = v.strictObject({
  /** Whether a token has to be bound to a certificate. Default false. */
  required: v.optional(v.boolean(), false),
  /** Who ends TLS in front of us; left out: we do, and the connection itself tells. */
  proxy: v.optional(proxyOptionsSchema),
});

/**
 * Another server whose tokens are good here. Only a JWT names its issuer: an opaque token is asked about at the module's own
 * `issuer`. For opaque tokens of several servers there are named clients.
 */
export interface TrustedIssuerOptions {
  /** As in `iss`, character by character. */
  readonly issuer: string;
  /** Our registration there, with a secret or a key to introspect with; left out: only JWTs of its own are verified. */
  readonly client?: ClientMetadata;
  /** As the module's option. */
  readonly server?: Partial<ServerMetadata>;
}

/** What a resolver says of an issuer; `undefined`, `null` and `false`: it is not trusted. */
export type ResolvedIssuer = TrustedIssuerOptions | undefined | null | false;

/**
 * Says whether an issuer is trusted. It is asked with what a stranger wrote, before anything is verified, and again after
 * five minutes. What it throws gives the caller 503, and the log the reason.
 */
export type ResolveIssuer = (issuer: string) => ResolvedIssuer | Promise<ResolvedIssuer>;

/** Maps a verified token to the application's user. What it throws ends the request. */
export type ValidateAccessToken = (token: VerifiedAccessToken) => unknown;

/** The API's part of the options. */
export const resourceServerOptionsSchema = v.strictObject({
  /** What `aud` must hold one of; `false` is the written-out way not to check. */
  audience: v.union(
    [v.pipe(v.array(identifier), v.nonEmpty('must name an audience')), identifier, v.literal(false)],
    'must be a text, a list of texts, or false',
  ),
  /** What becomes of the verified token as `request.user`; default: the token itself. */
  validate: v.optional(v.custom<ValidateAccessToken>((value) => typeof value === 'function', 'must be a function')),
  /**
   * `introspection` asks the server about each token, `jwt` verifies its signature (RFC 9068), `auto` does the latter for
   * tokens with `typ` `at+jwt` and the former for all others. A JWT that is good and only lacks a claim that RFC 9068
   * requires is refused by `jwt`; `auto` asks the server about it. Default `introspection`.
   */
  validation: v.optional(v.picklist(VALIDATIONS), 'introspection'),
  /** The algorithms of JWT access tokens. Default: every asymmetric one. */
  algorithms: v.optional(algorithms),
  /** Keeps what was found out about tokens; left out: each request asks anew. */
  cache: v.optional(cacheOptionsSchema),
  /**
   * The API's own URL (RFC 9728, section 1.2), as its callers write it. With it, protected resource metadata is served
   * and named in challenges.
   */
  resource: v.optional(resource),
  /** More members of the protected resource metadata, such as `resource_name` (RFC 9728, section 2). */
  metadata: v.optional(v.record(v.string(), v.unknown())),
  /** Takes tokens that are bound to a key (RFC 9449); needs `resource`. Left out: they are refused. */
  dpop: v.optional(dpopOptionsSchema),
  /** Takes tokens that are bound to a client certificate (RFC 8705). Left out: they are refused. */
  mtls: v.optional(mutualTlsOptionsSchema),
  /** Other issuers whose tokens are good here too: a list, or a function that is asked about each. */
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
export type ResourceServerSettings = v.InferOutput<typeof resourceServerOptionsSchema>;

export type CacheSettings = v.InferOutput<typeof cacheOptionsSchema>;

export type DpopSettings = v.InferOutput<typeof dpopOptionsSchema>;

export type MutualTlsSettings = v.InferOutput<typeof mutualTlsOptionsSchema>;

export type ProxySettings = v.InferOutput<typeof proxyOptionsSchema>;
