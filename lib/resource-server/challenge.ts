import type { Scheme } from './credentials.js';

/** The parameters of a challenge (RFC 6750, section 3; RFC 9449, section 7.1; RFC 9470, section 3; RFC 9728, section 5.1). */
export interface ChallengeParameters {
  readonly realm?: string;
  readonly error?: string;
  readonly error_description?: string;
  /** Space-separated, as `acr_values` and `algs`. */
  readonly scope?: string;
  readonly acr_values?: string;
  readonly max_age?: number;
  readonly algs?: string;
  readonly resource_metadata?: string;
}

/** A challenge: one value of `WWW-Authenticate`. */
export function challenge(scheme: Scheme, parameters: ChallengeParameters): string {
  const written = Object.entries(parameters)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${quotedString(String(value))}`);
  return written.length === 0 ? scheme : `${scheme} ${written.join(', ')}`;
}

/**
 * A quoted-string (RFC 9110, section 5.6.4). Every value enters a header this way. Characters that no header may hold are
 * left out.
 */
function quotedString(value: string): string {
  return `"${value.replace(/[^\x20-\x7e]/g, '').replace(/["\\]/g, '\\$&')}"`;
}
