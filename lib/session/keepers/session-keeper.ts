import type { OidcClient } from '../../client/oidc-client.js';
import { ConfigError } from '../../errors/errors.js';
import type { OperatorPort } from '../../events/operator-events.js';
import { throwFirst } from '../../metadata/finding.js';
import type { OidcStore } from '../../storage/oidc-store.js';
import type { Sealer } from '../../storage/sealer.js';
import { cookieWeaknesses } from '../cookie-findings.js';
import { RevocableCookies } from './revocable-cookies.js';
import { SessionCookies } from './session-cookies.js';
import { sessionFindings } from '../session-findings.js';
import { SessionStore } from './session-store.js';
import { keepingOf, type SessionSettings } from '../session.options.js';
import type { SessionKeeper } from '../session.port.js';

/** What a session keeper is made of. */
export interface KeeperParts {
  readonly client: OidcClient;
  readonly settings: SessionSettings | undefined;
  readonly sealer: Sealer;
  readonly store: OidcStore | undefined;
  readonly operator: OperatorPort;
}

/**
 * Makes the session keeper that the options ask for, and reports what it does not protect.
 *
 * @throws {ConfigError} no session can be kept with this configuration
 */
export function sessionKeeper({ client, settings, sealer, store, operator }: KeeperParts): SessionKeeper {
  if (settings === undefined) {
    throw new ConfigError('INVALID_CONFIG', 'session.secret', 'is required for login and session');
  }
  throwFirst(sessionFindings(client.metadata, settings, store !== undefined));
  const weaknesses = cookieWeaknesses(settings.cookie);
  if (weaknesses.length > 0) {
    operator.report({ kind: 'weak-cookies', weaknesses });
  }
  const { keep, tokens } = keepingOf(settings, store !== undefined);
  if (keep === 'store' && store !== undefined) {
    return new SessionStore(client, { ...settings, tokens }, sealer, store);
  }
  const cookies = new SessionCookies(client, { ...settings, tokens }, sealer);
  if (store !== undefined) {
    return new RevocableCookies(cookies, client, store, settings.absoluteLifetime);
  }
  if (client.metadata.redirect_uris?.some((uri) => uri.startsWith('https:')) === true) {
    operator.report({ kind: 'irrevocable-sessions' });
  }
  return cookies;
}
