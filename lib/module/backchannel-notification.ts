import type { OidcClient } from '../client/oidc-client.js';
import { StoreError, VerificationError } from '../errors/errors.js';
import { OidcError } from '../errors/oidc.error.js';
import { retryAfterOf, type ResponseHeader } from '../nest/answer.js';
import { refuse, type Refusal } from '../nest/refusal.js';
import * as requests from '../nest/requests.js';
import type { Responses } from '../nest/responses.js';

const NOT_STORED: ResponseHeader = ['Cache-Control', 'no-store'];

/**
 * Takes a ping or a push of the provider (CIBA Core 1.0, sections 10.2 and 10.3).
 *
 * @throws {OidcException} 401: it carries no token of a request that is waited for; 400: it can't be read; 503
 */
export async function takeNotification(
  client: OidcClient,
  request: unknown,
  response: unknown,
  responses: Responses,
): Promise<void> {
  responses.deliver(response, [NOT_STORED]);
  try {
    const [authorization, ...others] = requests.headerLines(request, 'authorization');
    const body = others.length === 0 ? await requests.json(request) : {};
    await client.backchannelNotification({ authorization, body });
  } catch (error) {
    if (!(error instanceof OidcError)) {
      throw error;
    }
    throw refuse(refusalOf(error), response, responses);
  }
}

function refusalOf(cause: OidcError): Refusal {
  if (cause instanceof VerificationError) {
    const error_description = 'The token of the notification is not valid here.';
    const headers: readonly ResponseHeader[] = [['WWW-Authenticate', 'Bearer error="invalid_token"'], NOT_STORED];
    return { status: 401, error: 'invalid_token', error_description, headers, cause };
  }
  if (cause instanceof StoreError) {
    const error_description = 'The notification can not be taken at the moment. Please try again.';
    const headers = [retryAfterOf(cause), NOT_STORED];
    return { status: 503, error: 'temporarily_unavailable', error_description, headers, cause };
  }
  const error_description = 'The notification can not be read.';
  return { status: 400, error: 'invalid_request', error_description, headers: [NOT_STORED], cause };
}
