import type { Server } from '../authorization-server/server.js';
import { VerifiedIdToken, type IdTokenExpectations } from '../tokens/id-token.js';
import type { IssuedWith } from '../tokens/token-hash.js';
import { TokenResponse } from '../tokens/token-response.js';

/** Tokens whose ID token was validated. */
export interface VerifiedTokens {
  readonly tokens: TokenResponse;
  /** Undefined: the server sent none. */
  readonly idToken: VerifiedIdToken | undefined;
}

/**
 * Validates the ID token of a token response (OpenID Connect Core 1.0, section 3.1.3.5).
 *
 * The tokens keep it as it was signed. If it was encrypted, it is so to us: as `id_token_hint` it has to be sent decrypted
 * (section 3.1.2.1).
 *
 * @param ofLogin the code that the tokens were exchanged for, and the `state` that came with it
 */
export async function verifiedTokens(
  server: Server,
  tokens: TokenResponse,
  expected: Omit<IdTokenExpectations, 'issuedWith'>,
  ofLogin: Omit<IssuedWith, 'access_token' | 'refresh_token'> = {},
): Promise<VerifiedTokens> {
  const { access_token, refresh_token, id_token } = tokens;
  if (id_token === undefined) {
    return { tokens, idToken: undefined };
  }
  const idToken = await VerifiedIdToken.verify(server, id_token, {
    ...expected,
    issuedWith: { ...ofLogin, access_token, refresh_token },
  });
  return { tokens: TokenResponse.with(tokens, { id_token: idToken.jws }), idToken };
}
