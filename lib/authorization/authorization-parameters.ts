import { hash } from 'node:crypto';

import { requireRegisteredTypes } from '../authorization-server/requested-access.js';
import { ConfigError } from '../errors/errors.js';
import type { DpopKey } from '../jose/dpop-key.js';
import type { ParsedClientMetadata } from '../metadata/client-metadata.schema.js';
import type { JsonObject } from '../values/json.js';
import { detailsOf, typesOf } from '../tokens/authorization-details.js';
import type { AuthorizationParameters } from './own-parameters.js';
import { carries, responseTypeOf } from './response-type.js';
import type { AuthorizationTransaction, TransactionOptions } from './transaction.js';

/** Options of a login that override the registration (OpenID Connect Core 1.0, section 3.1.2.1). */
export interface AuthorizationUrlOptions extends TransactionOptions {
  /** More parameters, such as `prompt`, `login_hint`, `resource` or a provider's own. They may name no protocol parameter. */
  readonly parameters?: AuthorizationParameters;
  /**
   * Sends the request object by reference (RFC 9101, section 5.2), where requests go as such and are not pushed: serve it
   * as `application/oauth-authz-req+jwt` for five minutes, and return the URI. Default: it goes by value.
   */
  readonly request_uri?: (requestObject: string) => string | Promise<string>;
}

/**
 * The parameters of an authorization request (OpenID Connect Core 1.0, section 3.1.2.1), with PKCE (RFC 7636), `state` and
 * `nonce` whatever the server says that it supports (RFC 9700, section 2.1.1). They are values, as a request object has them.
 *
 * @param own the application's parameters
 * @param key the key that the tokens will be bound to
 * @throws {ConfigError} the application's parameters do not fit the others, or what is registered
 */
export function authorizationParameters(
  metadata: ParsedClientMetadata,
  transaction: AuthorizationTransaction,
  own: JsonObject,
  key: DpopKey | undefined,
): JsonObject {
  requirePossiblePrompt(own, transaction);
  requireRegisteredTypes(metadata, typesOf(detailsOf(own)), 'parameters.authorization_details');
  return {
    ...(metadata.default_acr_values !== undefined && { acr_values: metadata.default_acr_values.join(' ') }),
    // OpenID Connect Core 1.0, section 11: without it a server may ignore the scope.
    ...(transaction.scope.split(' ').includes('offline_access') && { prompt: 'consent' }),
    ...own,
    client_id: metadata.client_id,
    response_type: transaction.response_type,
    redirect_uri: transaction.redirect_uri,
    scope: transaction.scope,
    state: transaction.state,
    nonce: transaction.nonce,
    ...(carries(transaction.response_type, 'code') && ofTheCode(transaction, key)),
    // The usual one need not be asked for.
    ...(transaction.response_mode !== responseTypeOf(transaction.response_type)?.mode && {
      response_mode: transaction.response_mode,
    }),
    ...(transaction.max_age !== undefined && { max_age: transaction.max_age }),
  };
}

/** What binds the code to this login. */
function ofTheCode(
  { code_verifier }: AuthorizationTransaction,
  key: DpopKey | undefined,
): Readonly<Record<string, string>> {
  return {
    code_challenge: hash('sha256', code_verifier, 'base64url'),
    code_challenge_method: 'S256',
    // RFC 9449, section 10: the code is bound to the key already.
    ...(key !== undefined && { dpop_jkt: key.jkt }),
  };
}

/** OpenID Connect Core 1.0, section 3.1.2.1: no login could satisfy both. */
function requirePossiblePrompt({ prompt }: JsonObject, { max_age }: AuthorizationTransaction): void {
  if (max_age === 0 && typeof prompt === 'string' && prompt.split(' ').includes('none')) {
    throw new ConfigError('INVALID_CONFIG', 'parameters.prompt', 'must not be none where max_age is 0');
  }
}
