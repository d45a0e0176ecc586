import type { Server } from '../authorization-server/server.js';
import { AuthorizationResponseError, VerificationError } from '../errors/errors.js';
import { DpopKey } from '../jose/dpop-key.js';
import { throwFirst } from '../metadata/finding.js';
import { pkceFindings } from '../metadata/server-findings.js';
import { missingGrants } from '../tokens/granted-less.js';
import type { VerifiedIdToken } from '../tokens/id-token.js';
import type { TokenResponse } from '../tokens/token-response.js';
import type { TrustedAudiences } from '../tokens/trusted-audiences.js';
import type { JsonObject } from '../values/json.js';
import { requestTokens } from './token-request.js';
import { verifiedTokens } from './verified-tokens.js';

/** The parts of a login's transaction that the exchange of its code needs. */
export interface CodeExchange {
  readonly issuer: string;
  readonly state: string;
  readonly nonce: string;
  readonly code_verifier: string;
  readonly redirect_uri: string;
  readonly scope: string;
  readonly max_age?: number;
  readonly essential_acr?: readonly string[];
  readonly authorization_details_types?: readonly string[];
  readonly dpop_jwk?: JsonObject;
  /** Milliseconds since the epoch. */
  readonly started_at: number;
}

/** What the ID token of a login may be, beside what every one is. */
export interface IdTokenOptions {
  /** Audiences that may stand beside the client in the ID token: a list, or `azp` for any of a token issued to the client. */
  readonly trustedAudiences?: TrustedAudiences;
  /**
   * `unsupported`: the server returns no `nonce`, as LinkedIn. PKCE alone binds the code to the login then. Default
   * `required`.
   */
  readonly nonce?: NonceOption;
}

export type NonceOption = 'required' | 'unsupported';

export interface CodeGrant {
  readonly tokens: TokenResponse;
  readonly idToken: VerifiedIdToken;
}

/**
 * Authorization code grant (RFC 6749, section 4.1.3; RFC 7636, section 4.5): exchanges the code of a login for its
 * tokens. The ID token is validated before the caller gets any of them.
 *
 * @param frontChannel the ID token that came with the code: that of the token endpoint must name the same end-user
 */
export async function authorizationCodeGrant(
  server: Server,
  code: string,
  login: CodeExchange,
  { trustedAudiences, nonce: nonceOption }: IdTokenOptions = {},
  frontChannel: VerifiedIdToken | undefined = undefined,
): Promise<CodeGrant> {
  const { redirect_uri, code_verifier, state, nonce, max_age, started_at, scope, essential_acr } = login;
  if (login.issuer !== server.issuer) {
    throw new AuthorizationResponseError('ISS_MISMATCH', 'The code was asked for at another issuer.');
  }
  const isNonceOptional = nonceOption === 'unsupported';
  if (isNonceOptional) {
    throwFirst(pkceFindings(await server.metadata()));
  }
  const form = { grant_type: 'authorization_code', code, redirect_uri, code_verifier };
  const answer = await requestTokens(server, form, { scope, dpop_key: DpopKey.fromJwk(login.dpop_jwk) });
  const expected = { nonce, isNonceOptional, max_age, started_at, essential_acr, trustedAudiences, frontChannel };
  const { tokens, idToken } = await verifiedTokens(server, answer, expected, { code, state });
  if (idToken === undefined) {
    throw new VerificationError('ID_TOKEN_MISSING', 'The token response has no ID token.');
  }
  const missing = missingGrants(login, tokens);
  if (missing.length > 0) {
    server.operator.report({ kind: 'granted-less', missing });
  }
  return { tokens, idToken };
}
