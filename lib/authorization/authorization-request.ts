import { createHash, createHmac, randomBytes } from 'node:crypto';

import * as v from 'valibot';

import { boundKey } from '../authorization-server/bound-key.js';
import type { Server } from '../authorization-server/server.js';
import { ConfigError } from '../errors/errors.js';
import type { DpopKey } from '../jose/dpop-key.js';
import { isJsonObject, type JsonObject } from '../values/json.js';

export type ResponseMode = 'query' | 'form_post';

/** Options of a login that override the registration (OpenID Connect Core 1.0, section 3.1.2.1). */
export interface AuthorizationUrlOptions {
  /** Default: the first that is registered. */
  readonly redirect_uri?: string;
  /** Space-separated, with `openid` in it. Default: `openid`, and the registered `scope`. */
  readonly scope?: string | undefined;
  /** Seconds. It may tighten `default_max_age`, never loosen it. */
  readonly max_age?: number;
  /** Default `query`. */
  readonly response_mode?: ResponseMode;
  /** More parameters, such as `prompt`, `login_hint`, `resource` or a provider's own. They may name no protocol parameter. */
  readonly parameters?: Readonly<Record<string, string>>;
}

/** A transaction as it is sealed or stored: the type is inferred from it, so that no member is forgotten there. */
export const authorizationTransactionSchema = v.object({
  issuer: v.string(),
  state: v.string(),
  nonce: v.string(),
  code_verifier: v.string(),
  redirect_uri: v.string(),
  scope: v.string(),
  response_mode: v.picklist(['query', 'form_post']),
  max_age: v.exactOptional(v.number()),
  /** The private key that the tokens will be bound to, where `dpop_bound_access_tokens` is registered. */
  dpop_jwk: v.exactOptional(v.custom<JsonObject>(isJsonObject)),
  /** Milliseconds since the epoch. */
  started_at: v.number(),
});

/** Transaction: a login that has begun. Keep it until the callback, for the browser that started it only. */
export type AuthorizationTransaction = Readonly<v.InferOutput<typeof authorizationTransactionSchema>>;

/** A login that has started: the URL for the browser, and the transaction that has to be remembered. */
export interface AuthorizationRequest {
  readonly url: string;
  readonly transaction: AuthorizationTransaction;
}

/** Protocol parameters. An application can't set them, because the login's security depends on them. */
const PROTOCOL_PARAMETERS: readonly string[] = [
  'client_id',
  'client_secret',
  'code_challenge',
  'code_challenge_method',
  'dpop_jkt',
  'max_age',
  'nonce',
  'redirect_uri',
  'request',
  'request_uri',
  'response_mode',
  'response_type',
  'scope',
  'state',
];

export function isProtocolParameter(name: string): boolean {
  return PROTOCOL_PARAMETERS.includes(name);
}

/**
 * Starts a login with the code flow (OpenID Connect Core 1.0, section 3.1.2.1), with PKCE (RFC 7636), `state` and `nonce`
 * whatever the server says that it supports (RFC 9700, section 2.1.1).
 */
export async function authorizationRequest(
  server: Server,
  options: AuthorizationUrlOptions = {},
): Promise<AuthorizationRequest> {
  const { metadata } = server.client;
  const key = await boundKey(server);
  const transaction = transactionOf(server, options, key);
  const parameters = parametersOf(options.parameters, transaction.max_age);
  const url = new URL(await server.endpoint('authorization_endpoint'));
  const query = {
    ...(metadata.default_acr_values !== undefined && { acr_values: metadata.default_acr_values.join(' ') }),
    // OpenID Connect Core 1.0, section 11: without it a server may ignore the scope.
    ...(transaction.scope.split(' ').includes('offline_access') && { prompt: 'consent' }),
    ...parameters,
    client_id: metadata.client_id,
    response_type: 'code',
    redirect_uri: transaction.redirect_uri,
    scope: transaction.scope,
    state: transaction.state,
    nonce: transaction.nonce,
    code_challenge: createHash('sha256').update(transaction.code_verifier).digest('base64url'),
    code_challenge_method: 'S256',
    // RFC 9449, section 10: the code is bound to the key already.
    ...(key !== undefined && { dpop_jkt: key.jkt }),
    ...(transaction.response_mode !== 'query' && { response_mode: transaction.response_mode }),
    ...(transaction.max_age !== undefined && { max_age: String(transaction.max_age) }),
  };
  for (const [name, value] of Object.entries(query)) {
    url.searchParams.set(name, value);
  }
  return { url: url.href, transaction };
}

function transactionOf(
  server: Server,
  options: AuthorizationUrlOptions,
  key: DpopKey | undefined,
): AuthorizationTransaction {
  const { metadata } = server.client;
  const [registered] = metadata.redirect_uris ?? [];
  const redirect_uri = options.redirect_uri ?? registered;
  if (redirect_uri === undefined || !metadata.redirect_uris?.includes(redirect_uri)) {
    throw new ConfigError('INVALID_CONFIG', 'client.redirect_uris', 'does not hold the URI to redirect to');
  }
  const scope = options.scope ?? loginScope(metadata.scope);
  if (!scope.split(' ').includes('openid')) {
    throw new ConfigError('INVALID_CONFIG', 'login.scope', 'must contain openid');
  }
  const max_age = smallest(metadata.default_max_age, options.max_age);
  // 256 bits as 43 characters (RFC 7636, section 4.1).
  const code_verifier = randomBytes(32).toString('base64url');
  return {
    issuer: server.issuer,
    ...derivedFrom(code_verifier),
    code_verifier,
    redirect_uri,
    scope,
    response_mode: options.response_mode ?? 'query',
    ...(max_age !== undefined && { max_age }),
    ...(key !== undefined && { dpop_jwk: key.toJwk() }),
    started_at: server.clock.now(),
  };
}

/** Scope of a login: the registered one, with `openid` added where it lacks it (OpenID Connect Core 1.0, section 3.1.2.1). */
export function loginScope(scope = 'openid'): string {
  return scope.split(' ').includes('openid') ? scope : `openid ${scope}`;
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

function parametersOf(
  parameters: Readonly<Record<string, string>> = {},
  maxAge: number | undefined,
): Readonly<Record<string, string>> {
  const owned = Object.keys(parameters).find(isProtocolParameter);
  if (owned !== undefined) {
    throw new ConfigError('INVALID_CONFIG', `parameters.${owned}`, 'belongs to the protocol');
  }
  // OpenID Connect Core 1.0, section 3.1.2.1: no login could satisfy both.
  if (maxAge === 0 && parameters['prompt']?.split(' ').includes('none')) {
    throw new ConfigError('INVALID_CONFIG', 'parameters.prompt', 'must not be none where max_age is 0');
  }
  return parameters;
}
