import { createHmac, randomBytes } from 'node:crypto';

import * as v from 'valibot';

import type { Server } from '../authorization-server/server.js';
import { ConfigError } from '../errors/errors.js';
import type { DpopKey } from '../jose/dpop-key.js';
import { throwFirst } from '../metadata/finding.js';
import { detailsOf, typesOf } from '../tokens/authorization-details.js';
import { hasOpenid, withOpenid } from '../tokens/openid-scope.js';
import { isJsonObject, type JsonObject } from '../values/json.js';
import { essentialAcr } from './own-parameters.js';
import { requestedResponse, responseFindings } from './requested-response.js';
import { RESPONSE_MODE_NAMES, type ResponseMode } from './response-mode.js';

/** Options of a login that its transaction keeps (OpenID Connect Core 1.0, section 3.1.2.1). */
export interface TransactionOptions {
  /** Default: the first that is registered. */
  readonly redirect_uri?: string;
  /** Space-separated, with `openid` in it. Default: `openid`, and the registered `scope`. */
  readonly scope?: string | undefined;
  /** Seconds. It may tighten `default_max_age`, never loosen it. */
  readonly max_age?: number;
  /** Another registered response type. Default: the first that is registered, else `code`. */
  readonly response_type?: string | undefined;
  /**
   * Default: `jwt` where `authorization_signed_response_alg` is registered, else `query` for `code`, and `fragment` for any
   * other response type.
   */
  readonly response_mode?: ResponseMode | undefined;
}

/** A transaction as it is sealed or stored: the type is inferred from it, so that no member is forgotten there. */
export const authorizationTransactionSchema = v.object({
  issuer: v.string(),
  state: v.string(),
  nonce: v.string(),
  code_verifier: v.string(),
  redirect_uri: v.string(),
  scope: v.string(),
  response_type: v.string(),
  response_mode: v.picklist(RESPONSE_MODE_NAMES),
  max_age: v.exactOptional(v.number()),
  /** The private key that the tokens will be bound to, where `dpop_bound_access_tokens` is registered. */
  dpop_jwk: v.exactOptional(v.custom<JsonObject>(isJsonObject)),
  /** The values of `acr` of which the ID token must have one; an empty list: any. Left out: none is demanded. */
  essential_acr: v.exactOptional(v.array(v.string())),
  /** The types of `authorization_details` that were asked for (RFC 9396, section 2). */
  authorization_details_types: v.exactOptional(v.array(v.string())),
  /** Milliseconds since the epoch. */
  started_at: v.number(),
});

/** Transaction: a login that has begun. Keep it until the callback, for the browser that started it only. */
export type AuthorizationTransaction = Readonly<v.InferOutput<typeof authorizationTransactionSchema>>;

/**
 * Begins a login's transaction.
 *
 * @param own the application's parameters
 * @param key the key that the tokens will be bound to
 * @throws {ConfigError} the redirect URI or the response type is not registered, or the scope is not of OpenID Connect
 */
export function beginTransaction(
  server: Server,
  options: TransactionOptions,
  own: JsonObject,
  key: DpopKey | undefined,
): AuthorizationTransaction {
  const { metadata } = server.client;
  const [registered] = metadata.redirect_uris ?? [];
  const redirect_uri = options.redirect_uri ?? registered;
  if (redirect_uri === undefined || !metadata.redirect_uris?.includes(redirect_uri)) {
    throw new ConfigError('INVALID_CONFIG', 'client.redirect_uris', 'does not hold the URI to redirect to');
  }
  const scope = options.scope ?? withOpenid(metadata.scope);
  if (!hasOpenid(scope)) {
    throw new ConfigError('INVALID_CONFIG', 'login.scope', 'must contain openid');
  }
  const requested = requestedResponse(metadata, options);
  throwFirst(responseFindings(metadata, requested));
  const max_age = smallest(metadata.default_max_age, options.max_age);
  const essential_acr = essentialAcr(own);
  const types = typesOf(detailsOf(own));
  // 256 bits as 43 characters (RFC 7636, section 4.1).
  const code_verifier = randomBytes(32).toString('base64url');
  return {
    issuer: server.issuer,
    ...derivedFrom(code_verifier),
    code_verifier,
    redirect_uri,
    scope,
    ...requested,
    ...(max_age !== undefined && { max_age }),
    ...(key !== undefined && { dpop_jwk: key.toJwk() }),
    ...(essential_acr !== undefined && { essential_acr }),
    ...(types.length > 0 && { authorization_details_types: [...types] }),
    started_at: server.clock.now(),
  };
}

/**
 * Derives `state` and `nonce` of a login from its code verifier, so that only the verifier has to be remembered. Everybody may
 * see `state` and `nonce`: an HMAC does not reveal its key (RFC 2104).
 */
export function derivedFrom(code_verifier: string): Pick<AuthorizationTransaction, 'state' | 'nonce'> {
  const derive = (member: string) => createHmac('sha256', code_verifier).update(member).digest('base64url');
  return { state: derive('state'), nonce: derive('nonce') };
}

function smallest(...values: readonly (number | undefined)[]): number | undefined {
  const given = values.filter((value) => value !== undefined);
  return given.length === 0 ? undefined : Math.min(...given);
}
