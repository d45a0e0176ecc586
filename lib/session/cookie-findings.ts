import { findingsOf, type Finding } from '../metadata/finding.js';
import type { CookieAttributes } from '../nest/cookies.js';

/** What is wrong with `session.cookie` for these redirect URIs. */
export function cookieFindings(
  { sameSite, domain, partitioned }: CookieAttributes,
  redirectUris: readonly string[],
): readonly Finding[] {
  const urls = redirectUris.map((uri) => new URL(uri));
  const isSecure = urls.every(({ protocol }) => protocol === 'https:');
  return findingsOf([
    [
      sameSite === 'none' && !isSecure,
      'session.cookie.sameSite',
      'can be none only where the redirect URIs are https: it needs Secure',
      'RFC 6265bis, section 4.1.2.7',
    ],
    [
      partitioned === true && (sameSite !== 'none' || !isSecure),
      'session.cookie.partitioned',
      "needs sameSite 'none', and redirect URIs that are https",
      'RFC 6265bis, section 4.1.2.7',
    ],
    [
      domain !== undefined && !urls.every(({ hostname }) => `.${hostname}`.endsWith(`.${domain}`)),
      'session.cookie.domain',
      'must be the host of each redirect URI, or above it',
      'RFC 6265bis, section 5.7',
    ],
  ]);
}

/** How `session.cookie` protects less than its defaults, one sentence each. */
export function cookieWeaknesses({ sameSite, domain }: CookieAttributes): readonly string[] {
  return [
    ...(domain === undefined
      ? []
      : [
          'domain drops the prefix __Host-: each host below the domain gets the session, and can set one for the others',
        ]),
    ...(sameSite === 'none'
      ? [
          'sameSite none sends the session along with requests of other sites: only Sec-Fetch-Site protects against them',
        ]
      : []),
  ];
}
