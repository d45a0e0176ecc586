import { SetMetadata, type CustomDecorator } from '@nestjs/common';
import * as v from 'valibot';

import type { IntrospectionResponse } from '../tokens/introspection.js';
import type { StepUpRequirement } from '../tokens/verified-access-token.js';
import { isNqchars } from '../values/oauth-characters.js';
import { validate } from '../values/validate.js';
import {
  INTROSPECTION,
  LONGEST_STALE,
  OPTIONAL,
  PUBLIC,
  ROLES,
  SCOPES,
  STEP_UP,
  VALIDATION,
  VALIDATIONS,
  type IntrospectionFreshness,
  type Validation,
} from './access-rule.js';

const scopesSchema = v.pipe(
  v.array(v.string()),
  v.nonEmpty('names no scope'),
  v.everyItem(isNqchars, 'a scope is empty or has characters outside of RFC 6749, section 3.3'),
);

const rolesSchema = v.pipe(v.array(v.pipe(v.string(), v.nonEmpty('a role is empty'))), v.nonEmpty('names no role'));

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
 * Opens a handler, or every handler of a controller, to everybody. `OidcGuard` checks no token; `OidcSessionGuard`
 * sets the user if there is a session.
 *
 * On a handler it wins over what the class requires. On a class it loses to what a handler requires, and to a guard of the
 * handler's own (`@UseGuards(OidcGuard)`). It is not inherited: a class that extends a public one is not public.
 *
 * ```ts
 * @Get('health') @Public()
 * health() { return { status: 'ok' }; }
 * ```
 */
export function Public(): CustomDecorator<symbol> {
  return SetMetadata(PUBLIC, true);
}

/**
 * Opens a handler, or every handler of a controller, to callers without credentials too. `@CurrentUser()` is then
 * `undefined`. Credentials that a caller brings are checked as everywhere: a bad access token is refused. With
 * `session.silentLogin` a browser without a session is signed in first, where the provider knows the person.
 *
 * It opens as `@Public()` does: it wins over the class, and is not inherited. The boot stops where it stands beside what
 * requires something, such as `@Scopes`.
 *
 * ```ts
 * @Get('articles') @OptionalAuth()
 * list(@CurrentUser() user: OidcUser | undefined) {
 *   return user === undefined ? 'the public ones' : 'those of ' + user.sub;
 * }
 * ```
 */
export function OptionalAuth(): CustomDecorator<symbol> {
  return SetMetadata(OPTIONAL, true);
}

/**
 * Requires scopes of an access token, all of them. A handler's scopes replace those of its class.
 *
 * ```ts
 * @Get() @Scopes('orders:read')
 * list() {}
 * ```
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
 * Requires a role: one of these is enough. A handler's roles replace those of its class.
 *
 * Under `OidcGuard` the roles are those of the access token, where the profile `resourceServer.accessTokens` says. Under
 * `OidcSessionGuard` they are those of the user: see `session.roles`. Without one of them the answer is 403.
 *
 * ```ts
 * @Get() @Roles('admin', 'auditor')
 * list() {}
 * ```
 *
 * @throws {ConfigError} no role, or an empty one
 */
export function Roles(...roles: string[]): CustomDecorator<symbol> {
  return SetMetadata(ROLES, Object.freeze(validate(rolesSchema, roles, '@Roles')));
}

/**
 * Sets how access tokens are validated here, whatever `resourceServer.validation` says.
 *
 * ```ts
 * @Post() @Scopes('payments:write') @AccessTokenValidation('introspection')
 * pay() {}
 * ```
 *
 * @throws {ConfigError} the value is unknown
 */
export function AccessTokenValidation(validation: Validation): CustomDecorator<symbol> {
  return SetMetadata(VALIDATION, validate(v.picklist(VALIDATIONS), validation, '@AccessTokenValidation'));
}

/** The introspection response: what the server says about a token (RFC 7662, section 2.2). */
export type Introspection = IntrospectionResponse;

/**
 * Introspects access tokens here, JWTs too, whatever `resourceServer.validation` says, and sets how fresh the answer must be.
 *
 * A server that introspects opaque tokens only calls a JWT inactive; the answer here is then 401. A token of an issuer at
 * which no client is registered is refused.
 *
 * ```ts
 * @Post() @Scopes('payments:write') @Introspection({ maxAge: 5 })
 * pay() {}
 * ```
 *
 * @throws {ConfigError} a time is wrong, or a member is unknown
 */
export function Introspection(freshness: IntrospectionFreshness = {}): CustomDecorator<symbol> {
  return SetMetadata(INTROSPECTION, Object.freeze(validate(freshnessSchema, freshness, '@Introspection')));
}

/**
 * Requires a strong or a recent login (RFC 9470). A token of another login is refused with
 * `insufficient_user_authentication`. The challenge tells the client which login is needed.
 *
 * ```ts
 * @Post() @StepUp({ acr: ['urn:example:mfa'], maxAge: 300 })
 * transfer() {}
 * ```
 *
 * @throws {ConfigError} it requires nothing, or a value that can't be written into a challenge
 */
export function StepUp(requirement: StepUpRequirement): CustomDecorator<symbol> {
  return SetMetadata(STEP_UP, Object.freeze(validate(stepUpSchema, requirement, '@StepUp')));
}
