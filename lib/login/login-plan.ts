import type { Server } from '../authorization-server/server.js';
import { requestedResponse, type ResponseMetadata } from '../authorization/requested-response.js';
import { deliveryOf, type Delivery } from '../authorization/response-mode.js';
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
import type { ExpectedResponse } from './login-response.js';
import type { LoginSettings } from './login.options.js';
import { cutPrefixOf, type LoginOrigin } from './relocation.js';
import { StoredTransactions } from './stored-transactions.js';
import { TransactionCookies, type Transactions } from './transaction-cookies.js';

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

/** How the responses to logins come. */
export function requestedDelivery(
  client: ResponseMetadata,
  { responseMode }: Pick<LoginSettings, 'responseMode'>,
): Delivery {
  const { response_type, response_mode } = requestedResponse(client, { response_mode: responseMode });
  return deliveryOf(response_type, response_mode);
}

/** Derives the settings. @throws {ConfigError} the options allow no login */
export function planLogin(
  client: OidcClient,
  server: Server,
  operator: OperatorPort,
  settings: LoginSettings,
  sessions: Pick<SessionPort, 'keeper' | 'cookie' | 'store'>,
  sealer: Sealer,
): LoginPlan {
  const { redirect_uris = [], scope: registered, initiate_login_uri } = client.metadata;
  const scope = settings.scope ?? withOpenid(registered);
  const keeper = sessions.keeper();
  const { store } = sessions;
  const sites = Sites.of(redirect_uris, client.name);
  throwFirst(loginFindings(client.metadata, settings));
  const insecure = redirect_uris.filter(isInsecure);
  if (insecure.length > 0) {
    operator.report({ kind: 'insecure-cookies', hosts: insecure.map((uri) => new URL(uri).host) });
  }
  if (settings.nonce === 'unsupported') {
    server.needsPkce();
    operator.report({ kind: 'login-without-nonce' });
  }
  const requested = requestedResponse(client.metadata, { response_mode: settings.responseMode });
  const delivery = requestedDelivery(client.metadata, settings);
  server.needs('authorization_endpoint');
  if (carries(requested.response_type, 'code')) {
    server.needs('token_endpoint');
  }
  if (client.metadata.require_pushed_authorization_requests === true) {
    server.needs('pushed_authorization_request_endpoint');
  }
  const { issuer, clock } = client;
  const { default_max_age: max_age } = client.metadata;
  const configured = { issuer, scope, ...requested, ...(max_age !== undefined && { max_age }) };
  // In a frame the login needs its cookies as the session does.
  const sameSite = delivery === 'form_post' || sessions.cookie.sameSite === 'none' ? 'none' : 'lax';
  const { partitioned } = sessions.cookie;
  return {
    sites: sites.map(({ redirect_uri, origin, cookies: profile }: Site) => {
      const of = { ...configured, redirect_uri };
      const cookies = new TransactionCookies(
        sealer,
        profile.with({ partitioned }),
        sameSite,
        of,
        clock.now,
        settings.transactionLifetime,
      );
      return {
        redirect_uri,
        origin,
        cutPrefix: cutPrefixOf(new URL(redirect_uri).pathname, settings.callbackPath),
        cookies,
        transactions: store === undefined ? cookies : new StoredTransactions(cookies, store),
      };
    }),
    scope,
    initiated: new InitiatedLogins(
      initiate_login_uri && ownPath(initiate_login_uri, redirect_uris, settings),
      server,
      sessions.cookie.sameSite === 'none',
    ),
    requested,
    delivery,
    callbackPaths: settings.callbackPath ? [settings.callbackPath] : redirect_uris.map((uri) => new URL(uri).pathname),
    keeper,
  };
}

/** The path of a registered URI as the application sees it, where a proxy cuts a prefix off. */
function ownPath(uri: string, [redirect_uri]: readonly string[], { callbackPath }: LoginSettings): string {
  const { pathname } = new URL(uri);
  const prefix = redirect_uri === undefined ? '' : (cutPrefixOf(new URL(redirect_uri).pathname, callbackPath) ?? '');
  return pathname.startsWith(prefix) ? pathname.slice(prefix.length) : pathname;
}
