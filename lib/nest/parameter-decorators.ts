import { createParamDecorator, Inject, type ExecutionContext } from '@nestjs/common';

import { authenticated, leftByTest, wasFoundByAnotherCopy, type Authenticated } from './authenticated.js';
import { callOf, requestOf } from './call.js';
import { clientToken, sessionToken } from './tokens.js';

/**
 * Injects the `OidcClient` called `name`, or the one without a name.
 *
 * ```ts
 * constructor(@InjectOidcClient('partners') private readonly partners: OidcClient) {}
 * ```
 */
export function InjectOidcClient(name?: string): PropertyDecorator & ParameterDecorator {
  return Inject(clientToken(name));
}

/**
 * Injects the `OidcSession` of the client called `name`, or of the one without a name.
 *
 * ```ts
 * constructor(@InjectOidcSession('partners') private readonly session: OidcSession) {}
 * ```
 */
export function InjectOidcSession(name?: string): PropertyDecorator & ParameterDecorator {
  return Inject(sessionToken(name));
}

function found(context: ExecutionContext, member: keyof Authenticated, decorator: string, guards: string): unknown {
  const record = authenticated(callOf(context));
  if (record !== undefined && member in record) {
    return record[member];
  }
  const left = leftByTest(context.getClass(), requestOf(context));
  if (left !== undefined) {
    return left[member];
  }
  const problem = wasFoundByAnotherCopy(callOf(context))
    ? 'the one that ran is of another copy of nestjs-oidc; install it once (npm ls nestjs-oidc)'
    : 'no such guard ran';
  throw new Error(
    `${decorator} needs ${guards} on ${context.getClass().name}.${context.getHandler().name}: ${problem}`,
  );
}

/**
 * The verified access token of the call, a `VerifiedAccessToken`. It is `undefined` for a caller without one, such as
 * under `@Public()`, `@OptionalAuth()` or `OidcAnyGuard`.
 *
 * ```ts
 * @Get()
 * list(@AccessToken() token: VerifiedAccessToken) {
 *   return { user: token.sub, client: token.client_id };
 * }
 * ```
 *
 * Throws when no `OidcGuard` ran; the answer is then 500. In a test that replaces the guard (`overrideGuard`,
 * `overrideProvider`) it is `request.user` if that is a `VerifiedAccessToken`, else `undefined`. Such a test uses
 * `@CurrentUser()`.
 */
export const AccessToken: () => ParameterDecorator = createParamDecorator(
  (_data: undefined, context: ExecutionContext) => found(context, 'token', '@AccessToken()', 'an OidcGuard'),
);

/**
 * The caller. Under `OidcGuard` it is the verified token, or what `resourceServer.validate` made of it; under
 * `OidcSessionGuard` it is what the strategy's `validate` returned. Under `@Public()` and
 * `@OptionalAuth()` it is `undefined` when nobody is there.
 *
 * ```ts
 * @Get('me')
 * me(@CurrentUser() user: OidcUser) {
 *   return user.claims;
 * }
 * ```
 *
 * Throws when neither guard ran; the answer is then 500. In a test that replaces the guard (`overrideGuard`,
 * `overrideProvider`) it is `request.user`.
 */
export const CurrentUser: () => ParameterDecorator = createParamDecorator(
  (_data: undefined, context: ExecutionContext) =>
    found(context, 'user', '@CurrentUser()', 'an OidcGuard or an OidcSessionGuard'),
);
