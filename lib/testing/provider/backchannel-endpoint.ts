import { createLocalJWKSet, jwtVerify } from 'jose';

import { publicKeysOf, type RegisteredClient } from './clients.js';
import type { ProviderContext } from './context.js';
import type { Answer } from './http-answer.js';
import { halfHash, newIdToken } from './id-token.js';
import type { Recorded } from './loopback-server.js';
import { invalidClient, NO_STORE, oauthError } from './oauth-answers.js';
import type { Members } from './response-hooks.js';

/** Seconds. */
const LIFETIME = 600;
const INTERVAL = 5;

const HINTS = ['login_hint', 'login_hint_token', 'id_token_hint'];

/** Parameters that may stand beside a signed request: those that authenticate the client. */
const AUTHENTICATION = ['request', 'client_id', 'client_secret', 'client_assertion', 'client_assertion_type'];

type Parameters = Readonly<Record<string, unknown>>;

/** OpenID Connect CIBA Core 1.0, sections 7.1 to 7.3. */
export async function backchannelAuthentication(op: ProviderContext, request: Recorded): Promise<Answer> {
  const client = await op.clients.authenticate(request);
  if (client === undefined) {
    return invalidClient(request);
  }
  const parameters = await parametersOf(op, request, client);
  const error = parameters === undefined ? 'invalid_request' : problemWith(parameters, client);
  if (parameters === undefined || error !== undefined) {
    return oauthError(400, error ?? 'invalid_request');
  }
  const scope = String(parameters['scope']);
  const grant = { client, scope, sub: op.userOf(request).sub, nonce: undefined, authTime: op.clock.seconds };
  const auth_req_id = op.consents.begin(grant, LIFETIME, INTERVAL);
  const body = { auth_req_id, expires_in: LIFETIME, interval: INTERVAL };
  return { headers: NO_STORE, body: await op.hooks.backchannelResponse(body, request) };
}

/** The parameters, out of the signed request where one is registered; undefined: they do not stand where they have to. */
async function parametersOf(
  op: ProviderContext,
  { form, notes }: Recorded,
  client: RegisteredClient,
): Promise<Parameters | undefined> {
  const alg = client['backchannel_authentication_request_signing_alg'];
  if (alg === undefined) {
    return form['request'] === undefined ? form : undefined;
  }
  if (Object.keys(form).some((name) => !AUTHENTICATION.includes(name))) {
    return undefined;
  }
  try {
    const { payload, protectedHeader } = await jwtVerify(
      form['request'] ?? '',
      createLocalJWKSet(publicKeysOf(client)),
      {
        algorithms: [String(alg)],
        issuer: client.client_id,
        audience: op.issuer,
        requiredClaims: ['exp', 'iat', 'nbf', 'jti'],
        maxTokenAge: 3600,
        currentDate: new Date(op.clock.now()),
      },
    );
    notes['request'] = { header: protectedHeader, claims: payload };
    return Array.isArray(payload.aud) ? undefined : payload;
  } catch {
    return undefined;
  }
}

/** CIBA Core 1.0, sections 7.1 and 13. */
function problemWith(parameters: Parameters, client: RegisteredClient): string | undefined {
  const token = parameters['client_notification_token'];
  const isNotified = ['ping', 'push'].includes(String(client['backchannel_token_delivery_mode']));
  const isToken = typeof token === 'string' && /^[\w.~+/-]{22,1024}=*$/.test(token);
  if (isNotified ? !isToken : token !== undefined) {
    return 'invalid_request';
  }
  if (HINTS.filter((hint) => parameters[hint] !== undefined).length !== 1) {
    return 'invalid_request';
  }
  if (parameters['user_code'] !== undefined && client['backchannel_user_code_parameter'] !== true) {
    return 'invalid_request';
  }
  if (parameters['login_hint'] === 'nobody') {
    return 'unknown_user_id';
  }
  return String(parameters['scope']).split(' ').includes('openid') ? undefined : 'invalid_scope';
}

/** The body of a push (section 10.3.1): what the end-user consented to. */
export async function pushOf(op: ProviderContext, auth_req_id: string, request: Recorded): Promise<Members> {
  const grant = op.consents.take(auth_req_id);
  const { client, scope, sub } = grant;
  const access_token = op.issued.token({ scope, client_id: client.client_id, sub });
  const refresh_token = op.issued.refreshToken(grant);
  const claims = {
    'urn:openid:params:jwt:claim:auth_req_id': auth_req_id,
    'urn:openid:params:jwt:claim:rt_hash': halfHash(
      String(client['id_token_signed_response_alg'] ?? 'RS256'),
      refresh_token,
    ),
  };
  const id_token = await newIdToken(op, grant, { access_token }, request, true, claims);
  return { auth_req_id, access_token, token_type: 'Bearer', expires_in: 3600, id_token, refresh_token };
}
