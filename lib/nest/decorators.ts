import { SetMetadata, type CustomDecorator } from '@nestjs/common';

import type { Introspection as IntrospectionResponse } from '../client/introspection.js';
import { ConfigError } from '../errors/errors.js';
import {
  INTROSPECTION,
  LONGEST_STALE,
  PUBLIC,
  SCOPES,
  STEP_UP,
  VALIDATION,
  type IntrospectionFreshness,
  type StepUpRequirement,
  type Validation,
} from './access-rule.js';

/** RFC 6749, section 3.3: scope-token. */
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/**
 * Opens a handler, or every handler of a controller, to everybody: `OidcGuard` looks at nothing and calls nothing,
 * `OidcSessionGuard` sets the user when there is one.
 *
 * On a handler it beats what its class asks of a token; what a handler asks beats `@Public()` on its class.
 */
export function Public(): CustomDecorator<symbol> {
  return SetMetadata(PUBLIC, true);
}

/**
 * The scopes that an access token must have been granted, all of them. A handler's replace those of its class.
 *
 * @throws {ConfigError} no scope, or one with characters outside of RFC 6749, section 3.3
 */
export function Scopes(...scopes: string[]): CustomDecorator<symbol> {
  if (scopes.length === 0) {
    throw new ConfigError('INVALID_CONFIG', '@Scopes', 'names no scope');
  }
  if (!scopes.every((scope) => SCOPE_TOKEN.test(scope))) {
    throw new ConfigError(
      'INVALID_CONFIG',
      '@Scopes',
      'a scope is empty or has characters outside of RFC 6749, section 3.3',
    );
  }
  return SetMetadata(SCOPES, Object.freeze([...scopes]));
}

/** How access tokens are found out about here, whatever `resourceServer.validation` says for the other routes. */
export function AccessTokenValidation(validation: Validation): CustomDecorator<symbol> {
  return SetMetadata(VALIDATION, validation);
}

/** What the server says of a token (RFC 7662, section 2.2). */
export type Introspection = IntrospectionResponse;

/**
 * Asks the server about access tokens here, JWTs too, whatever `resourceServer.validation` says, and says how fresh its word
 * has to be. A server that introspects opaque tokens only calls a JWT inactive: that is a 401 here. A token of an issuer at
 * which no client is registered is refused.
 *
 * ```ts
 * @Post() @Scopes('payments:write') @Introspection({ maxAge: 5 })
 * pay() {}
 * ```
 *
 * @throws {ConfigError} a number that is no such time
 */
export function Introspection(freshness: IntrospectionFreshness = {}): CustomDecorator<symbol> {
  const { maxAge = 0, staleIfError = 0 } = freshness;
  if (!(maxAge >= 0)) {
    throw new ConfigError('INVALID_CONFIG', '@Introspection', 'maxAge must be seconds, 0 or more');
  }
  if (!(staleIfError >= 0 && staleIfError <= LONGEST_STALE)) {
    throw new ConfigError('INVALID_CONFIG', '@Introspection', `staleIfError must be 0 to ${LONGEST_STALE} seconds`);
  }
  return SetMetadata(INTROSPECTION, Object.freeze({ ...freshness }));
}

/**
 * Requires a strong or a recent login. A token of another one is refused with `insufficient_user_authentication`, which
 * tells the client what to log in again with (RFC 9470).
 *
 * @throws {ConfigError} it requires nothing, or something that can't be asked for
 */
export function StepUp(requirement: StepUpRequirement): CustomDecorator<symbol> {
  const { acr = [], maxAge } = requirement;
  if (acr.length === 0 && maxAge === undefined) {
    throw new ConfigError('INVALID_CONFIG', '@StepUp', 'requires nothing');
  }
  if (!acr.every((value) => SCOPE_TOKEN.test(value))) {
    throw new ConfigError('INVALID_CONFIG', '@StepUp', 'an acr is empty or has characters that no challenge can carry');
  }
  if (maxAge !== undefined && !(maxAge >= 0)) {
    throw new ConfigError('INVALID_CONFIG', '@StepUp', 'maxAge must be seconds, 0 or more');
  }
  return SetMetadata(STEP_UP, Object.freeze({ acr: Object.freeze([...acr]), maxAge }));
}
