import { SetMetadata, type CustomDecorator } from '@nestjs/common';
import * as v from 'valibot';

import type { Introspection as IntrospectionResponse } from '../tokens/introspection.js';
import { isNqchars } from '../values/oauth-characters.js';
import { validate } from '../values/validate.js';
import {
  INTROSPECTION,
  LONGEST_STALE,
  PUBLIC,
  SCOPES,
  STEP_UP,
  VALIDATION,
  VALIDATIONS,
  type IntrospectionFreshness,
  type StepUpRequirement,
  type Validation,
} from './access-rule.js';

const scopesSchema = v.pipe(
  v.array(v.string()),
  v.nonEmpty('names no scope'),
  v.everyItem(isNqchars, 'a scope is empty or has characters outside of RFC 6749, section 3.3'),
);

const seconds = (latest: number, problem: string) =>
  v.optional(v.pipe(v.number(), v.minValue(0, problem), v.maxValue(latest, problem)));

const freshnessSchema = v.strictObject({
  maxAge: seconds(Number.MAX_VALUE, 'must be seconds, 0 or more'),
  staleIfError: seconds(LONGEST_STALE, `must be 0 to ${LONGEST_STALE} seconds`),
});

const WHOLE_SECONDS = 'must be whole seconds, 0 or more';

const stepUpSchema = v.pipe(
  v.strictObject({
    acr: v.optional(
      v.pipe(v.array(v.string()), v.everyItem(isNqchars, 'one is empty or has characters that no challenge can carry')),
    ),
    maxAge: v.optional(v.pipe(v.number(), v.safeInteger(WHOLE_SECONDS), v.minValue(0, WHOLE_SECONDS))),
  }),
  v.check(({ acr = [], maxAge }) => acr.length > 0 || maxAge !== undefined, 'requires nothing'),
);

/**
 * Opens a handler, or every handler of a controller, to everybody: `OidcGuard` looks at nothing and calls nothing,
 * `OidcSessionGuard` sets the user when there is one.
 *
 * On a handler it beats what its class asks of a token. On a class it is beaten by what a handler asks of a token, and by a
 * guard of the handler's own (`@UseGuards(OidcGuard)`). It is not inherited: a class that extends a public one is not public.
 *
 * ```ts
 * @Get('health') @Public()
 * health() {}
 * ```
 */
export function Public(): CustomDecorator<symbol> {
  return SetMetadata(PUBLIC, true);
}

/**
 * The scopes that an access token must have been granted, all of them. A handler's replace those of its class.
 *
 * ```ts
 * @Post() @Scopes('payments:write')
 * pay() {}
 * ```
 *
 * @throws {ConfigError} no scope, or one with characters outside of RFC 6749, section 3.3
 */
export function Scopes(...scopes: string[]): CustomDecorator<symbol> {
  return SetMetadata(SCOPES, Object.freeze(validate(scopesSchema, scopes, '@Scopes')));
}

/**
 * How access tokens are found out about here, whatever `resourceServer.validation` says for the other routes.
 *
 * ```ts
 * @Get('rates') @AccessTokenValidation('jwt')
 * rates() {}
 * ```
 *
 * @throws {ConfigError} there is no such way
 */
export function AccessTokenValidation(validation: Validation): CustomDecorator<symbol> {
  return SetMetadata(VALIDATION, validate(v.picklist(VALIDATIONS), validation, '@AccessTokenValidation'));
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
 * @throws {ConfigError} what is no such time, or another member
 */
export function Introspection(freshness: IntrospectionFreshness = {}): CustomDecorator<symbol> {
  return SetMetadata(INTROSPECTION, Object.freeze(validate(freshnessSchema, freshness, '@Introspection')));
}

/**
 * Requires a strong or a recent login. A token of another one is refused with `insufficient_user_authentication`, which
 * tells the client what to log in again with (RFC 9470).
 *
 * ```ts
 * @Post('limit') @StepUp({ acr: ['phr'], maxAge: 300 })
 * raiseLimit() {}
 * ```
 *
 * @throws {ConfigError} it requires nothing, or something that can't be asked for
 */
export function StepUp(requirement: StepUpRequirement): CustomDecorator<symbol> {
  return SetMetadata(STEP_UP, Object.freeze(validate(stepUpSchema, requirement, '@StepUp')));
}
