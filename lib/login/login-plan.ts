import type { Server } from '../authorization-server/server.js';
import type { RequestedResponse } from '../authorization/requested-response.js';
import { carries } from '../authorization/response-type.js';
import type { OidcClient } from '../client/oidc-client.js';
import type { OperatorPort } from '../events/operator-events.js';
import { withOpenid } from '../tokens/openid-scope.js';
import { throwFirst } from '../metadata/finding.js';
import { Sites, type Site } from '../nest/sites.js';
import type { SessionKeeper, SessionPort } from '../session/session.port.js';
import type { Sealer } from '../storage/sealer.js';
import { InitiatedLogins } from './initiated-login.js';
import { isInsecure, loginFindings } from './login-findings.js';
import { expectedResponse, type ExpectedResponse } from './login-response.js';
import type { LoginSettings } from './login.options.js';
import { cutPrefixOf, type LoginOrigin } from './relocation.js';
import { StoredTransactions } from './stored-transactions.js';
import { TransactionCookies, type Transactions } from './transaction-cookies.js';

/** What the logins of a client are made of. */
export interface LoginParts {
  readonly client: OidcClient;
  readonly server: Server;
  readonly operator: OperatorPort;
  readonly settings: LoginSettings;
  readonly sessions: SessionPort;
  readonly sealer: Sealer;
}

/** Logins of one domain of the application. */
export interface LoginSite extends LoginOrigin {
  readonly redirect_uri: string;
  readonly cookies: TransactionCookies;
  /** Where the transactions are: in these cookies, or in the store of the sessions. */
  readonly transactions: Transactions;
}

/** The settings of a login, derived from the options and checked at boot. */
export interface LoginPlan extends ExpectedResponse {
  readonly sites: Sites<LoginSite>;
  readonly scope: string;
  readonly callbackPaths: readonly string[];
  readonly initiated: InitiatedLogins;
  readonly keeper: SessionKeeper;
}

/** Derives the settings. @throws {ConfigError} the options allow no login */
export function planLogin(parts: LoginParts): LoginPlan {
  const { client, server, settings, sessions } = parts;
  const { redirect_uris = [], scope: registered, initiate_login_uri } = client.metadata;
  const keeper = sessions.keeper();
  const sites = Sites.of(client);
  throwFirst(loginFindings(client.metadata, settings));
  reportWeaknesses(parts, redirect_uris);
  const expected = expectedResponse(client.metadata, settings);
  declareNeeds(parts, expected.requested);
  const scope = settings.scope ?? withOpenid(registered);
  const isInFrames = sessions.cookie.sameSite === 'none';
  const path = initiate_login_uri && ownPath(initiate_login_uri, redirect_uris, settings);
  return {
    ...expected,
    sites: sites.map((site) => loginSite(site, parts, expected, scope)),
    scope,
    callbackPaths: settings.callbackPath ? [settings.callbackPath] : redirect_uris.map((uri) => new URL(uri).pathname),
    initiated: new InitiatedLogins(path, server, isInFrames),
    keeper,
  };
}

function reportWeaknesses({ operator, settings }: LoginParts, redirectUris: readonly string[]): void {
  const insecure = redirectUris.filter(isInsecure);
  if (insecure.length > 0) {
    operator.report({ kind: 'insecure-cookies', hosts: insecure.map((uri) => new URL(uri).host) });
  }
  if (settings.nonce === 'unsupported') {
    operator.report({ kind: 'login-without-nonce' });
  }
}

/** Tells the server what logins need of it: it is checked when its metadata has come. */
function declareNeeds({ client, server, settings }: LoginParts, { response_type }: RequestedResponse): void {
  if (settings.nonce === 'unsupported') {
    server.needsPkce();
  }
  server.needs('authorization_endpoint');
  if (carries(response_type, 'code')) {
    server.needs('token_endpoint');
  }
  if (client.metadata.require_pushed_authorization_requests === true) {
    server.needs('pushed_authorization_request_endpoint');
  }
}

function loginSite(
  { redirect_uri, origin, cookies: profile }: Site,
  { client, settings, sessions, sealer }: LoginParts,
  { requested, delivery }: ExpectedResponse,
  scope: string,
): LoginSite {
  const { issuer, clock } = client;
  const { default_max_age: max_age } = client.metadata;
  const { sameSite: ofSession, partitioned } = sessions.cookie;
  const cookies = new TransactionCookies(
    sealer,
    profile.with({ partitioned }),
    // In a frame the login needs its cookies as the session does.
    delivery === 'form_post' || ofSession === 'none' ? 'none' : 'lax',
    { issuer, scope, ...requested, redirect_uri, ...(max_age !== undefined && { max_age }) },
    clock.now,
    settings.transactionLifetime,
  );
  return {
    redirect_uri,
    origin,
    cutPrefix: cutPrefixOf(new URL(redirect_uri).pathname, settings.callbackPath),
    cookies,
    transactions: sessions.store === undefined ? cookies : new StoredTransactions(cookies, sessions.store),
  };
}

/** The path of a registered URI as the application sees it, where a proxy cuts a prefix off. */
function ownPath(uri: string, [redirect_uri]: readonly string[], { callbackPath }: LoginSettings): string {
  const { pathname } = new URL(uri);
  const prefix = redirect_uri === undefined ? '' : (cutPrefixOf(new URL(redirect_uri).pathname, callbackPath) ?? '');
  return pathname.startsWith(prefix) ? pathname.slice(prefix.length) : pathname;
}
