import { createHash } from 'node:crypto';

import { ConfigError } from '../errors/errors.js';
import type { DpopKey } from '../jose/dpop-key.js';
import type { ParsedClientMetadata } from '../metadata/client-metadata.schema.js';
import type { AuthorizationTransaction, TransactionOptions } from './transaction.js';

/** Options of a login that override the registration (OpenID Connect Core 1.0, section 3.1.2.1). */
export interface AuthorizationUrlOptions extends TransactionOptions {
  /** More parameters, such as `prompt`, `login_hint`, `resource` or a provider's own. They may name no protocol parameter. */
  readonly parameters?: Readonly<Record<string, string>>;
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
 * The parameters of an authorization request (OpenID Connect Core 1.0, section 3.1.2.1), with PKCE (RFC 7636), `state` and
 * `nonce` whatever the server says that it supports (RFC 9700, section 2.1.1).
 *
 * @param own the application's parameters
 * @param key the key that the tokens will be bound to
 * @throws {ConfigError} the application's parameters may not be so
 */
export function authorizationParameters(
  metadata: ParsedClientMetadata,
  transaction: AuthorizationTransaction,
  own: Readonly<Record<string, string>> = {},
  key: DpopKey | undefined = undefined,
): Readonly<Record<string, string>> {
  requireOwn(own, transaction);
  return {
    ...(metadata.default_acr_values !== undefined && { acr_values: metadata.default_acr_values.join(' ') }),
    // OpenID Connect Core 1.0, section 11: without it a server may ignore the scope.
    ...(transaction.scope.split(' ').includes('offline_access') && { prompt: 'consent' }),
    ...own,
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
}

function requireOwn(own: Readonly<Record<string, string>>, { max_age }: AuthorizationTransaction): void {
  const owned = Object.keys(own).find(isProtocolParameter);
  if (owned !== undefined) {
    throw new ConfigError('INVALID_CONFIG', `parameters.${owned}`, 'belongs to the protocol');
  }
  // OpenID Connect Core 1.0, section 3.1.2.1: no login could satisfy both.
  if (max_age === 0 && own['prompt']?.split(' ').includes('none')) {
    throw new ConfigError('INVALID_CONFIG', 'parameters.prompt', 'must not be none where max_age is 0');
  }
}
