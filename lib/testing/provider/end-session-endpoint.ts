import type { ProviderContext } from './context.js';
import type { Answer } from './http-answer.js';
import type { Recorded } from './loopback-server.js';
import { redirect } from './oauth-answers.js';
import { withBrowserState } from './session-management.js';

/** OpenID Connect RP-Initiated Logout 1.0, sections 2 and 3. */
export async function endSession(op: ProviderContext, request: Recorded): Promise<Answer> {
  const answer = goodbye(op, request);
  return op.managesSessions ? withBrowserState(answer, undefined) : answer;
}

function goodbye(op: ProviderContext, request: Recorded): Answer {
  const target = request.query.get('post_logout_redirect_uri');
  const client = op.clients.find(request.query.get('client_id') ?? '');
  const registered: unknown = client?.['post_logout_redirect_uris'];
  if (target === null || !Array.isArray(registered) || !registered.includes(target)) {
    return { body: 'Signed out' };
  }
  const state = request.query.get('state');
  return redirect(target, state === null ? [] : [['state', state]]);
}
