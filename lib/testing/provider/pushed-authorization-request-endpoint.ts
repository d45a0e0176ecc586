import { parametersOf, REQUEST_LIFETIME } from './authorization-requests.js';
import type { ProviderContext } from './context.js';
import type { Answer } from './http-answer.js';
import type { Recorded } from './loopback-server.js';
import { invalidClient, NO_STORE, oauthError } from './oauth-answers.js';
import { proofOf } from './seen-proof.js';

/** What authenticates the client, and is no parameter of the request. */
const OF_THE_CLIENT: readonly string[] = ['client_secret', 'client_assertion', 'client_assertion_type'];

/** RFC 9126, section 2; RFC 9449, section 10.1. */
export async function par(op: ProviderContext, request: Recorded): Promise<Answer> {
  const client = await op.clients.authenticate(request);
  if (client === undefined) {
    return invalidClient(request);
  }
  const proof = await proofOf(request, op.url('par'), op.clock);
  if (proof === 'bad') {
    return oauthError(400, 'invalid_dpop_proof');
  }
  const received = Object.fromEntries(Object.entries(request.form).filter(([name]) => !OF_THE_CLIENT.includes(name)));
  try {
    const parameters = await parametersOf(op, client, received);
    const { client_id, request_uri, dpop_jkt = proof?.jkt } = parameters;
    if (client_id !== client.client_id || request_uri !== undefined || (proof && dpop_jkt !== proof.jkt)) {
      throw new Error('The request is of another client or key, or a reference itself');
    }
    if (received['request'] !== undefined && Object.keys(received).length > 2) {
      throw new Error('There is more in the form than the request object');
    }
    const uri = op.requests.push(client, { ...parameters, ...(dpop_jkt !== undefined && { dpop_jkt }) });
    return { status: 201, headers: NO_STORE, body: { request_uri: uri, expires_in: REQUEST_LIFETIME } };
  } catch (error) {
    request.notes['problem'] = String(error);
    return oauthError(400, received['request'] === undefined ? 'invalid_request' : 'invalid_request_object');
  }
}
