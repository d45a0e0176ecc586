import { createHash } from 'node:crypto';

import type { RegisteredClient } from './clients.js';
import type { ProviderContext } from './context.js';
import { bearAssertion, exchange, type Granted } from './extension-grants.js';
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

/** The members of the answer, or the error that it is refused with. */
type Outcome = Members | string;

/** How each grant type is answered. */
const GRANTS: Readonly<Record<string, (op: ProviderContext, request: TokenRequest) => Outcome | Promise<Outcome>>> = {
  authorization_code: redeem,
  refresh_token: refresh,
  client_credentials: (op, request) => tokensFor(op, request, request.request.form['scope'] ?? ''),
  'urn:ietf:params:oauth:grant-type:device_code': (op, request) => consented(op, request, 'device_code'),
  'urn:openid:params:grant-type:ciba': (op, request) => consented(op, request, 'auth_req_id'),
  'urn:ietf:params:oauth:grant-type:token-exchange': (op, request) => extended(op, request, exchange),
  'urn:ietf:params:oauth:grant-type:jwt-bearer': (op, request) => extended(op, request, bearAssertion),
};

/** The grant types that are answered at the token endpoint. */
export const GRANT_TYPES: readonly string[] = Object.keys(GRANTS);

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
  const grant_type = request.form['grant_type'] ?? '';
  const grant = GRANTS[grant_type];
  if (grant === undefined) {
    return oauthError(400, 'unsupported_grant_type');
  }
  const { grant_types } = client;
  if (Array.isArray(grant_types) && !grant_types.includes(grant_type)) {
    return oauthError(400, 'unauthorized_client');
  }
  const outcome = await grant(op, { client, request, jkt: proof?.jkt });
  return typeof outcome === 'string'
    ? oauthError(400, outcome)
    : { headers: NO_STORE, body: await op.hooks.tokenResponse(outcome, request) };
}

/** RFC 6749, section 4.1.3; RFC 7636, section 4.6. */
async function redeem(op: ProviderContext, token: TokenRequest): Promise<Outcome> {
  const { client, request, jkt } = token;
  const { code: value = '', redirect_uri, code_verifier = '' } = request.form;
  const code = op.issued.takeCode(value);
  if (
    code?.client.client_id !== client.client_id ||
    code.redirectUri !== redirect_uri ||
    code.expiresAt <= op.clock.seconds ||
    code.challenge !== createHash('sha256').update(code_verifier).digest('base64url') ||
    (code.jkt !== undefined && code.jkt !== jkt)
  ) {
    return 'invalid_grant';
  }
  const tokens = tokensFor(op, token, code.scope, code);
  op.issued.useCode(value, [String(tokens['access_token']), String(tokens['refresh_token'])]);
  const issuedWith = { access_token: String(tokens['access_token']) };
  return { ...tokens, id_token: await newIdToken(op, code, issuedWith, request, code.wantsAuthTime) };
}

/** RFC 6749, section 6, with a new refresh token each time. */
async function refresh(op: ProviderContext, token: TokenRequest): Promise<Outcome> {
  const { client, request } = token;
  const value = request.form['refresh_token'] ?? '';
  const grant = op.issued.grantOf(value);
  if (grant?.client.client_id !== client.client_id) {
    return 'invalid_grant';
  }
  op.issued.expire(value);
  const tokens = tokensFor(op, token, request.form['scope'] ?? grant.scope, grant);
  const issuedWith = { access_token: String(tokens['access_token']) };
  const idToken = await newIdToken(op, { ...grant, nonce: undefined }, issuedWith, request, true);
  return { ...tokens, id_token: idToken };
}

/** RFC 8628, section 3.5: tokens once somebody has consented. */
async function consented(op: ProviderContext, token: TokenRequest, member: string): Promise<Outcome> {
  const { client, request } = token;
  const grant = op.consents.poll(request.form[member] ?? '', client.client_id);
  if (typeof grant === 'string') {
    return grant;
  }
  const tokens = tokensFor(op, token, grant.scope, grant);
  return grant.scope.split(' ').includes('openid')
    ? {
        ...tokens,
        id_token: await newIdToken(op, grant, { access_token: String(tokens['access_token']) }, request, true),
      }
    : tokens;
}

/** RFC 6749, section 4.5. */
async function extended(
  op: ProviderContext,
  token: TokenRequest,
  grant: (op: ProviderContext, request: Recorded, client: RegisteredClient) => Granted | Promise<Granted>,
): Promise<Outcome> {
  const { client, request } = token;
  const granted = await grant(op, request, client);
  if (typeof granted === 'string') {
    return granted;
  }
  const { sub = 'alice', members } = granted;
  const authTime = op.clock.seconds;
  const scope = request.form['scope'] ?? '';
  return { ...tokensFor(op, token, scope, { client, scope, sub, nonce: undefined, authTime }), ...members };
}

function tokensFor(
  { issued }: ProviderContext,
  { client, request, jkt }: TokenRequest,
  scope: string,
  grant?: Grant,
): Members {
  const token_type = jkt === undefined ? 'Bearer' : 'DPoP';
  const bound = jkt !== undefined && { cnf: { jkt } };
  // RFC 8707, section 2: it may come several times.
  const resources = new URLSearchParams(request.body).getAll('resource');
  const aud = resources.length > 0 && { aud: resources };
  const details = request.form['authorization_details'];
  const access_token = issued.token({
    scope,
    client_id: client.client_id,
    sub: grant?.sub,
    token_type,
    ...bound,
    ...aud,
  });
  const granted = details === undefined ? {} : { authorization_details: JSON.parse(details) };
  const tokens = { access_token, token_type, expires_in: 3600, scope, ...granted };
  if (grant === undefined || !scope.split(' ').includes('offline_access')) {
    return tokens;
  }
  return { ...tokens, refresh_token: issued.refreshToken(grant) };
}
