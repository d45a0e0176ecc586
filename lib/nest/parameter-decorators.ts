import { createParamDecorator, Inject, type ExecutionContext } from '@nestjs/common';

import { authenticated, type Authenticated } from './authenticated.js';
import { callOf } from './call.js';
import { clientToken, sessionToken } from './tokens.js';

/** Injects the `OidcClient` called `name`; the one without a name when left out. */
export function InjectOidcClient(name?: string): PropertyDecorator & ParameterDecorator {
  return Inject(clientToken(name));
}

/** Injects the `OidcSession` of the client called `name`; of the one without a name when left out. */
export function InjectOidcSession(name?: string): PropertyDecorator & ParameterDecorator {
  return Inject(sessionToken(name));
}

function found(context: ExecutionContext, member: keyof Authenticated, decorator: string, guards: string): unknown {
  const record = authenticated(callOf(context));
  if (record === undefined || !(member in record)) {
    throw new Error(
      `${decorator} needs ${guards} on ${context.getClass().name}.${context.getHandler().name}: no such guard ran`,
    );
  }
  return record[member];
}

/**
 * The verified access token of the call, a `VerifiedAccessToken`. Under `@Public()` it is `undefined`.
 *
 * Throws, which gives 500, when no `OidcGuard` ran.
 */
export const AccessToken: () => ParameterDecorator = createParamDecorator(
  (_data: undefined, context: ExecutionContext) => found(context, 'token', '@AccessToken()', 'an OidcGuard'),
);

/**
 * Who the call is from: under `OidcGuard` the verified token, under `OidcSessionGuard` what the strategy's `validate`
 * returned. Under `@Public()` it is `undefined` when nobody is there.
 *
 * Throws, which gives 500, when neither guard ran.
 */
export const CurrentUser: () => ParameterDecorator = createParamDecorator(
  (_data: undefined, context: ExecutionContext) =>
    found(context, 'user', '@CurrentUser()', 'an OidcGuard or an OidcSessionGuard'),
);
