import { invalid, type Finding } from '../metadata/finding.js';
import type { ParsedClientMetadata } from '../metadata/client-metadata.schema.js';
import { cookieFindings } from './cookie-findings.js';
import type { SessionSettings } from './session.options.js';

/** The metadata that sessions depend on. */
export type SessionMetadata = Pick<
  ParsedClientMetadata,
  'redirect_uris' | 'backchannel_logout_uri' | 'default_max_age'
>;

/** What keeps sessions from being kept with these settings. */
export function sessionFindings(
  { redirect_uris = [], backchannel_logout_uri, default_max_age }: SessionMetadata,
  { cookie, keep, silentLogin }: Pick<SessionSettings, 'cookie' | 'keep' | 'silentLogin'>,
  hasStore: boolean,
): readonly Finding[] {
  return [
    ...cookieFindings(cookie, redirect_uris),
    ...(backchannel_logout_uri !== undefined && !hasStore
      ? [invalid(WITHOUT_STORE, 'OpenID Connect Back-Channel Logout 1.0, section 2.7')]
      : []),
    ...(keep === 'store' && !hasStore ? [invalid(NO_STORE, 'nestjs-oidc, session options')] : []),
    ...(silentLogin && default_max_age === 0
      ? [invalid(NEVER_SILENT, 'OpenID Connect Core 1.0, section 3.1.2.1')]
      : []),
    ...(silentLogin && cookie.sameSite === 'strict' ? [invalid(NOT_SENT, 'RFC 6265bis, section 8.8.2')] : []),
  ];
}

const WITHOUT_STORE = {
  member: 'client.backchannel_logout_uri',
  problem: 'needs a `store`: sessions in cookies alone can not be ended without their browser',
};

const NO_STORE = { member: 'session.keep', problem: 'can be store only where there is a `store`' };

const NEVER_SILENT = {
  member: 'session.silentLogin',
  problem: 'must be off where client.default_max_age is 0: then each login has to ask the person',
};

const NOT_SENT = {
  member: 'session.silentLogin',
  problem: "must be off where session.cookie.sameSite is 'strict': no session comes along from the provider's site",
};
