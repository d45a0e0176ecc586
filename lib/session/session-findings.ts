import { invalid, type Finding } from '../metadata/finding.js';
import type { ParsedClientMetadata } from '../metadata/client-metadata.schema.js';
import { cookieFindings } from './cookie-findings.js';
import type { SessionSettings } from './session.options.js';

/** The metadata that sessions depend on. */
export type SessionMetadata = Pick<ParsedClientMetadata, 'redirect_uris' | 'backchannel_logout_uri'>;

/** What keeps sessions from being kept with these settings. */
export function sessionFindings(
  { redirect_uris = [], backchannel_logout_uri }: SessionMetadata,
  { cookie, keep }: Pick<SessionSettings, 'cookie' | 'keep'>,
  hasStore: boolean,
): readonly Finding[] {
  return [
    ...cookieFindings(cookie, redirect_uris),
    ...(backchannel_logout_uri !== undefined && !hasStore
      ? [invalid(WITHOUT_STORE, 'OpenID Connect Back-Channel Logout 1.0, section 2.7')]
      : []),
    ...(keep === 'store' && !hasStore ? [invalid(NO_STORE, 'nestjs-oidc, session options')] : []),
  ];
}

const WITHOUT_STORE = {
  member: 'client.backchannel_logout_uri',
  problem: 'needs a `store`: sessions in cookies alone can not be ended without their browser',
};

const NO_STORE = { member: 'session.keep', problem: 'can be store only where there is a `store`' };
