import type { ProviderContext } from './context.js';
import type { Answer } from './http-answer.js';
import type { Recorded } from './loopback-server.js';
import { invalidClient } from './oauth-answers.js';

/** RFC 7009. */
export async function revoke(op: ProviderContext, request: Recorded): Promise<Answer> {
  if ((await op.clients.authenticate(request)) === undefined) {
    return invalidClient(request);
  }
  op.issued.expire(request.form['token'] ?? '');
  return {};
}
