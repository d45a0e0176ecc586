import { randomInt } from 'node:crypto';

import type { ProviderContext } from './context.js';
import type { Answer } from './http-answer.js';
import type { Recorded } from './loopback-server.js';
import { invalidClient, NO_STORE, oauthError } from './oauth-answers.js';

/** Seconds. */
const LIFETIME = 600;
const INTERVAL = 5;

/** RFC 8628, sections 3.1 and 3.2. */
export async function deviceAuthorization(op: ProviderContext, request: Recorded): Promise<Answer> {
  const client = await op.clients.authenticate(request);
  if (client === undefined) {
    return invalidClient(request);
  }
  if (request.method !== 'POST' || request.form['grant_type'] !== undefined) {
    return oauthError(400, 'invalid_request');
  }
  const scope = request.form['scope'] ?? '';
  const grant = { client, scope, sub: op.userOf(request).sub, nonce: undefined, authTime: op.clock.seconds };
  const user_code = `BDWP-${randomInt(1000, 9999)}`;
  const body = {
    device_code: op.consents.begin(grant, LIFETIME, INTERVAL),
    user_code,
    verification_uri: `${op.issuer}/device`,
    verification_uri_complete: `${op.issuer}/device?user_code=${user_code}`,
    expires_in: LIFETIME,
    interval: INTERVAL,
  };
  return { headers: NO_STORE, body: await op.hooks.deviceResponse(body, request) };
}
