import { createHash } from 'node:crypto';

import type { RegisteredClient } from './clients.js';
import type { ProviderContext } from './context.js';
import type { Answer } from './http-answer.js';
import { newIdToken } from './id-token.js';
import type { Grant } from './issued.js';
import type { Recorded } from './loopback-server.js';
import { invalidClient, NO_STORE, oauthError } from './oauth-answers.js';
import type { Members } from './response-hooks.js';
import { proofOf } from './seen-proof.js';

/** A token request, once its client and its proof are known to be good. */
interface TokenRequest {
  readonly client: RegisteredClient;
  readonly request: Recorded;
  /** Of the key that the tokens are bound to (RFC 9449, section 5). */
  readonly jkt: string | undefined;
}

type Granted = Members | undefined | Promise<Members | undefined>;

/** How each grant type is answered; undefined: `invalid_grant`. */
const GRANTS: Readonly<Record<string, (op: ProviderContext, request: TokenRequest) => Granted>> = {
  authorization_code: redeem,
  refresh_token: refresh,
  client_credentials: (op, { client, request, jkt }) => tokensFor(op, client, request.form['scope'] ?? '', jkt),
};

/** RFC 6749, section 3.2. */
export async function token(op: ProviderContext, request: Recorded): Promise<Answer> {
  const client = await op.clients.authenticate(request);
  if (client === undefined) {
    return invalidClient(request);
  }
  const proof = await proofOf(request, op.url('token'), op.clock);
  if (proof === 'bad' || (proof === undefined && client['dpop_bound_access_tokens'] === true)) {
    return oauthError(400, 'invalid_dpop_proof');
  }
  const grant = GRANTS[request.form['grant_type'] ?? ''];
  if (grant === undefined) {
    return oauthError(400, 'unsupported_grant_type');
  }
  const body = await grant(op, { client, request, jkt: proof?.jkt });
  return body === undefined
    ? oauthError(400, 'invalid_grant')
    : { headers: NO_STORE, body: await op.hooks.tokenResponse(body, request) };
}

/** RFC 6749, section 4.1.3; RFC 7636, section 4.6. */
async function redeem(op: ProviderContext, { client, request, jkt }: TokenRequest): Promise<Members | undefined> {
  const { code: value = '', redirect_uri, code_verifier = '' } = request.form;
  const code = op.issued.takeCode(value);
  if (
    code?.client.client_id !== client.client_id ||
    code.redirectUri !== redirect_uri ||
    code.expiresAt <= op.clock.seconds ||
    code.challenge !== createHash('sha256').update(code_verifier).digest('base64url') ||
    (code.jkt !== undefined && code.jkt !== jkt)
  ) {
    return undefined;
  }
  const tokens = tokensFor(op, client, code.scope, jkt, code);
  op.issued.useCode(value, [String(tokens['access_token']), String(tokens['refresh_token'])]);
  const idToken = await newIdToken(op, code, String(tokens['access_token']), request, code.wantsAuthTime);
  return { ...tokens, id_token: idToken };
}

/** RFC 6749, section 6, with a new refresh token each time. */
async function refresh(op: ProviderContext, { client, request, jkt }: TokenRequest): Promise<Members | undefined> {
  const value = request.form['refresh_token'] ?? '';
  const grant = op.issued.grantOf(value);
  if (grant?.client.client_id !== client.client_id) {
    return undefined;
  }
  op.issued.expire(value);
  const tokens = tokensFor(op, client, request.form['scope'] ?? grant.scope, jkt, grant);
  const idToken = await newIdToken(op, { ...grant, nonce: undefined }, String(tokens['access_token']), request, true);
  return { ...tokens, id_token: idToken };
}

function tokensFor(
  { issued }: ProviderContext,
  client: RegisteredClient,
  scope: string,
  jkt: string | undefined,
  grant?: Grant,
): Members {
  const token_type = jkt === undefined ? 'Bearer' : 'DPoP';
  const bound = jkt !== undefined && { cnf: { jkt } };
  const access_token = issued.token({ scope, client_id: client.client_id, sub: grant?.sub, token_type, ...bound });
  const tokens = { access_token, token_type, expires_in: 3600, scope };
  if (grant === undefined || !scope.split(' ').includes('offline_access')) {
    return tokens;
  }
  return { ...tokens, refresh_token: issued.refreshToken(grant) };
}
