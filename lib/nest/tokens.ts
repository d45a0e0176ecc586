/** Injection token of the time now: `() => number`, milliseconds since the epoch. Default: `Date.now`. */
export const OIDC_CLOCK = Symbol('OIDC_CLOCK');

/** Injection token of the clock skew: seconds, any finite number, added to now for every time check. Default: 0. */
export const OIDC_CLOCK_SKEW = Symbol('OIDC_CLOCK_SKEW');

/** Injection token of the clock tolerance: seconds from 0 to 300, granted on every time check. Default: 30. */
export const OIDC_CLOCK_TOLERANCE = Symbol('OIDC_CLOCK_TOLERANCE');

/** Injection token of the undici `Dispatcher` for every call to the server. Default: a pooled `Agent` of our own. */
export const OIDC_DISPATCHER = Symbol('OIDC_DISPATCHER');

/**
 * Injection token of the module's options. A test puts others in their place with `overrideProvider`. That of a client with a
 * name is {@link getOidcOptionsToken}.
 */
export const OIDC_OPTIONS = Symbol('OIDC_OPTIONS');

/** A function from a client's name to the token under which that client's provider stands. */
function tokensOf(provider: string): (name?: string) => string {
  return (name) => (name === undefined ? `nestjs-oidc/${provider}` : `nestjs-oidc/${provider}/${name}`);
}

/** Token of the client called `name`; of the one without a name when left out. */
export const clientToken = tokensOf('client');

/** Token of the authorization server, as the client called `name` sees it. */
export const serverToken = tokensOf('server');

/** Token of the factory of servers, for other issuers, of the client called `name`. */
export const serversToken = tokensOf('servers');

/** Token of the evictions from the token caches of the client called `name`. */
export const evictionsToken = tokensOf('evictions');

/** Token of the operator port of the client called `name`. */
export const operatorToken = tokensOf('operator');

/** Token of the function that makes the options of the client called `name`, as `forRoot` or `forRootAsync` has them. */
export const givenOptionsToken = tokensOf('given-options');

const namedOptionsToken = tokensOf('used-options');

/**
 * Injection token of the options of the client called `name`.
 *
 * ```ts
 * import { Test } from '@nestjs/testing';
 * import { getOidcOptionsToken } from 'nestjs-oidc';
 * import { AppModule } from './app.module.js';
 *
 * Test.createTestingModule({ imports: [AppModule] }).overrideProvider(getOidcOptionsToken('partners')).useValue(options);
 * ```
 *
 * @param name left out: {@link OIDC_OPTIONS}
 */
export function getOidcOptionsToken(name?: string): string | symbol {
  return name === undefined ? OIDC_OPTIONS : namedOptionsToken(name);
}

/** Token of the parsed options of the client called `name`. */
export const optionsToken = tokensOf('options');

/** Token of the Passport strategy of the client called `name`. */
export const strategyToken = tokensOf('strategy');

/** Token of the `OidcSession` of the client called `name`. */
export const sessionToken = tokensOf('session');

/** Token of the sessions of the client called `name`, for its session guard and its login. */
export const clientSessionsToken = tokensOf('client-sessions');

/** Token of the sealer, by the session's secrets, of the client called `name`. */
export const sealerToken = tokensOf('sealer');

/** Token of the resource server of the client called `name`. */
export const resourceServerToken = tokensOf('resource-server');

/** Token of the `OidcLogout` of the client called `name`. */
export const logoutToken = tokensOf('logout');

/** Token of the mounted routes of the client called `name`. */
export const routesToken = tokensOf('routes');

/** Token of the mounted proxies of the client called `name`. */
export const proxiesToken = tokensOf('proxies');

/** Token of what the guard of the client called `name` is made of, for callers with a token or a session. */
export const anyGuardToken = tokensOf('any-guard');
