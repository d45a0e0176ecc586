import { requestAt, type RequestParameters } from './authorization-requests.js';
import type { ProviderContext } from './context.js';
import type { Answer } from './http-answer.js';
import type { Recorded } from './loopback-server.js';
import { formPost, redirect } from './oauth-answers.js';
import { browserState, newBrowserState, sessionState, withBrowserState } from './session-management.js';

/** OpenID Connect Core 1.0, section 3.1.2, without anybody to ask. */
export async function authorize(op: ProviderContext, request: Recorded): Promise<Answer> {
  const received = Object.fromEntries(request.method === 'POST' ? Object.entries(request.form) : request.query);
  let parameters: RequestParameters;
  try {
    parameters = await requestAt(op, received);
  } catch (error) {
    return { status: 400, body: String(error) };
  }
  request.notes['parameters'] = parameters;
  const client = op.clients.find(parameters['client_id'] ?? '');
  const redirectUri = parameters['redirect_uri'] ?? '';
  if (!client?.redirect_uris?.includes(redirectUri)) {
    return { status: 400, body: 'Unknown client or redirect URI' };
  }
  const browser = browserState(request) ?? newBrowserState();
  const isNobody = op.managesSessions && parameters['prompt'] === 'none' && browserState(request) === undefined;
  const isComplete =
    parameters['response_type'] === 'code' &&
    parameters['code_challenge_method'] === 'S256' &&
    (parameters['scope'] ?? '').split(' ').includes('openid');
  if (isComplete && isNobody) {
    return respond(op, request, parameters, { error: 'login_required' });
  }
  const session_state = op.managesSessions ? sessionState(client.client_id, redirectUri, browser) : undefined;
  const answer = await respond(
    op,
    request,
    parameters,
    isComplete
      ? { code: op.issued.code(client, parameters, String(op.user['sub'])), session_state }
      : { error: 'invalid_request' },
  );
  return op.managesSessions ? withBrowserState(answer, browser) : answer;
}

async function respond(
  op: ProviderContext,
  request: Recorded,
  { state, redirect_uri = '', response_mode }: RequestParameters,
  outcome: Readonly<Record<string, string | undefined>>,
): Promise<Answer> {
  const sent = await op.hooks.authorizationResponse({ ...outcome, state, iss: op.issuer }, request);
  const pairs = Object.entries(sent).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
  return response_mode === 'form_post' ? formPost(redirect_uri, pairs) : redirect(redirect_uri, pairs);
}
