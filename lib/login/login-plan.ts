import type { Server } from '../authorization-server/server.js';
import { loginScope } from '../authorization/authorization-request.js';
import type { OidcClient } from '../client/oidc-client.js';
import { ConfigError } from '../errors/errors.js';
import type { OperatorPort } from '../events/operator-events.js';
import { CookieProfile } from '../nest/cookies.js';
import type { SessionKeeper } from '../session/session.port.js';
import type { Sealer } from '../storage/sealer.js';
import type { LoginSettings } from './login.options.js';
import { TransactionCookies } from './transaction-cookies.js';

/** The settings of a login, derived from the options and checked at boot. */
export interface LoginPlan {
  readonly origin: string;
  readonly scope: string;
  readonly callbackPaths: readonly string[];
  readonly transactions: TransactionCookies;
  readonly keeper: SessionKeeper;
}

/** Derives the settings. @throws {ConfigError} the options allow no login */
export function planLogin(
  client: OidcClient,
  server: Server,
  operator: OperatorPort,
  settings: LoginSettings,
  keeper: SessionKeeper,
  sealer: Sealer,
): LoginPlan {
  const { redirect_uris = [], response_types, grant_types, scope: registered } = client.metadata;
  const scope = settings.scope ?? loginScope(registered);
  const profile = CookieProfile.of(redirect_uris, client.name);
  const [redirect_uri = ''] = redirect_uris;
  requireRegistered('client.response_types', response_types, 'code');
  requireRegistered('client.grant_types', grant_types, 'authorization_code');
  const isFormPost = settings.responseMode === 'form_post';
  if (isFormPost && !profile.secure) {
    throw invalid('login.responseMode', 'can be form_post only where the redirect URI is https');
  }
  if (!profile.secure) {
    operator.report({ kind: 'insecure-cookies' });
  }
  server.needs('authorization_endpoint', 'token_endpoint');
  const { issuer, clock } = client;
  const response_mode = settings.responseMode;
  const { default_max_age: max_age } = client.metadata;
  const configured = { issuer, redirect_uri, scope, response_mode, ...(max_age !== undefined && { max_age }) };
  return {
    origin: profile.origin,
    scope,
    callbackPaths: settings.callbackPath ? [settings.callbackPath] : redirect_uris.map((uri) => new URL(uri).pathname),
    transactions: new TransactionCookies(sealer, profile, isFormPost ? 'none' : 'lax', configured, clock.now),
    keeper,
  };
}

/** Checks a registered value. Default: the code flow (OpenID Connect Dynamic Client Registration 1.0, section 2). */
function requireRegistered(member: string, registered: readonly string[] | undefined, value: string): void {
  if (registered !== undefined && !registered.includes(value)) {
    throw invalid(member, `must contain ${value}, by which this library logs in`);
  }
}

function invalid(member: string, problem: string): ConfigError {
  return new ConfigError('INVALID_CONFIG', member, problem);
}
