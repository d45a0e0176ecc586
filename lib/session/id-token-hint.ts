import type { KeptSession } from './session.port.js';

/** Maximum bytes of an ID token in the URL of a redirect: nginx takes 4 KB of an answer's headers (`proxy_buffer_size`). */
const MAX_HINT = 2048;

/** The ID token that tells the provider, in a redirect, whose session this is; undefined where a proxy may refuse its length. */
export function idTokenHint({ tokens: { id_token } }: Pick<KeptSession, 'tokens'>): string | undefined {
  return id_token !== undefined && id_token.length <= MAX_HINT ? id_token : undefined;
}
