import { findingsOf, type Finding } from '../metadata/finding.js';
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
    ...findingsOf([
      [
        backchannel_logout_uri !== undefined && !hasStore,
        'client.backchannel_logout_uri',
        'needs a `store`: sessions in cookies alone can not be ended without their browser',
        'OpenID Connect Back-Channel Logout 1.0, section 2.7',
      ],
      [
        keep === 'store' && !hasStore,
        'session.keep',
        'can be store only where there is a `store`',
        'nestjs-oidc, session options',
      ],
      [
        silentLogin && default_max_age === 0,
        'session.silentLogin',
        'must be off where client.default_max_age is 0: then each login has to ask the person',
        'OpenID Connect Core 1.0, section 3.1.2.1',
      ],
      [
        silentLogin && cookie.sameSite === 'strict',
        'session.silentLogin',
        "must be off where session.cookie.sameSite is 'strict': no session comes along from the provider's site",
        'RFC 6265bis, section 8.8.2',
      ],
    ]),
  ];
}
