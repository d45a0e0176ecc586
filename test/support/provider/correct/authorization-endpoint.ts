import type { ProviderContext } from './context.js';
import type { Answer } from './http-answer.js';
import type { Recorded } from './loopback-server.js';
import { formPost, redirect } from './oauth-answers.js';

/** OpenID Connect Core 1.0, section 3.1.2, without anybody to ask. */
export async function authorize(op: ProviderContext, request: Recorded): Promise<Answer> {
  const parameters = Object.fromEntries(request.method === 'POST' ? Object.entries(request.form) : request.query);
  const client = op.clients.find(parameters['client_id'] ?? '');
  const redirectUri = parameters['redirect_uri'] ?? '';
  if (!client?.redirect_uris?.includes(redirectUri)) {
    return { status: 400, body: 'Unknown client or redirect URI' };
  }
  const isComplete =
    parameters['response_type'] === 'code' &&
    parameters['code_challenge_method'] === 'S256' &&
    (parameters['scope'] ?? '').split(' ').includes('openid');
  const outcome = isComplete
    ? { code: op.issued.code(client, parameters, String(op.user['sub'])) }
    : { error: 'invalid_request' };
  const state = parameters['state'];
  const sent = await op.hooks.authorizationResponse({ ...outcome, state, iss: op.issuer }, request);
  const pairs = Object.entries(sent).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
  return parameters['response_mode'] === 'form_post' ? formPost(redirectUri, pairs) : redirect(redirectUri, pairs);
}
