/** What a challenge says (RFC 6750, section 3). */
export interface ChallengeParameters {
  readonly realm?: string;
  readonly error?: string;
  readonly error_description?: string;
  readonly scope?: string;
}

/** The value of `WWW-Authenticate` for bearer tokens. */
export function bearerChallenge(parameters: ChallengeParameters): string {
  const written = Object.entries(parameters).map(([name, value]) => `${name}=${quoted(String(value))}`);
  return written.length === 0 ? 'Bearer' : `Bearer ${written.join(', ')}`;
}

/**
 * A quoted-string (RFC 9110, section 5.6.4): the one way in which a value enters a header. What no header may hold is
 * left out.
 */
function quoted(value: string): string {
  return `"${value.replace(/[^\x20-\x7e]/g, '').replace(/["\\]/g, '\\$&')}"`;
}
