import { requestAt, type RequestParameters } from './authorization-requests.js';
import { isComplete, respond, success } from './authorization-responses.js';
import type { ProviderContext } from './context.js';
import type { Answer } from './http-answer.js';
import type { Recorded } from './loopback-server.js';
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
  const clientId = parameters['client_id'] ?? '';
  const redirectUri = parameters['redirect_uri'] ?? '';
  const client = op.clients.find(clientId);
  if (!client?.redirect_uris?.includes(redirectUri)) {
    const registered = client?.redirect_uris?.join(' ') ?? 'none';
    return { status: 400, body: `${redirectUri} is no redirect URI of ${clientId}. Registered: ${registered}` };
  }
  const browser = browserState(request) ?? newBrowserState();
  const isNobody = op.managesSessions && parameters['prompt'] === 'none' && browserState(request) === undefined;
  if (!isComplete(parameters)) {
    return respond(op, client, parameters, { error: 'invalid_request' }, request);
  }
  if (isNobody) {
    return respond(op, client, parameters, { error: 'login_required' }, request);
  }
  const session_state = op.managesSessions ? sessionState(client.client_id, redirectUri, browser) : undefined;
  const outcome = { ...(await success(op, client, parameters, request)), session_state };
  const answer = await respond(op, client, parameters, outcome, request);
  return op.managesSessions ? withBrowserState(answer, browser) : answer;
}
