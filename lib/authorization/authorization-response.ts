import { oauthError } from '../authorization-server/oauth-response.js';
import { withoutSecrets } from '../authorization-server/sent-secrets.js';
import type { Server } from '../authorization-server/server.js';
import { AuthorizationResponseError } from '../errors/errors.js';
import { equalInConstantTime } from '../jose/constant-time.js';
import { isVschars } from '../values/oauth-characters.js';
import type { AuthorizationTransaction } from './transaction.js';

/** Parameters of other flows. In the code flow they are a sign of an attack (RFC 9700, section 2.1.2). */
const OTHER_FLOWS: readonly string[] = ['access_token', 'id_token', 'token_type', 'expires_in', 'response'];

/** Characters: more than any server issues. */
const LONGEST_CODE = 4096;

/**
 * Reads the authorization response (RFC 6749, section 4.1.2; RFC 9207).
 *
 * @returns the authorization code
 * @throws {AuthorizationResponseError} it does not belong to this transaction
 * @throws {OAuthError} the server refused the login
 */
export async function processAuthorizationResponse(
  server: Server,
  parameters: ReadonlyMap<string, string>,
  transaction: AuthorizationTransaction,
): Promise<string> {
  requireState(parameters, transaction);
  await requireIssuer(server, parameters, transaction);
  if (OTHER_FLOWS.some((name) => parameters.has(name))) {
    throw new AuthorizationResponseError('UNEXPECTED_PARAMETER', 'The response has parameters of another flow.');
  }
  const error = parameters.get('error');
  if (error !== undefined) {
    const { state, nonce, code_verifier } = transaction;
    const secrets = [parameters.get('code') ?? '', state, nonce, code_verifier];
    const description = parameters.get('error_description');
    throw oauthError(error, 'authorization_endpoint', {
      error_description: description && withoutSecrets(description, secrets),
    });
  }
  const code = parameters.get('code');
  if (!code) {
    throw new AuthorizationResponseError('CODE_MISSING', 'The response has neither a code nor an error.');
  }
  if (code.length > LONGEST_CODE || !isVschars(code)) {
    throw new AuthorizationResponseError(
      'INVALID_PARAMETER',
      'The code is too long or has characters that no code has.',
    );
  }
  return code;
}

function requireState(parameters: ReadonlyMap<string, string>, transaction: AuthorizationTransaction): void {
  if (parameters.size === 0) {
    throw new AuthorizationResponseError('MISSING_RESPONSE', 'The request carries no authorization response.');
  }
  const state = parameters.get('state');
  if (!state) {
    throw new AuthorizationResponseError('STATE_MISSING', 'The response has no state.');
  }
  if (!equalInConstantTime(state, transaction.state)) {
    throw new AuthorizationResponseError('STATE_MISMATCH', 'The response answers another request.');
  }
}

/** Checks the response's `iss`, of errors too (RFC 9207, section 2.4), and that the transaction is of this server. */
async function requireIssuer(
  server: Server,
  parameters: ReadonlyMap<string, string>,
  transaction: AuthorizationTransaction,
): Promise<void> {
  const iss = parameters.get('iss');
  if (transaction.issuer !== server.issuer || (iss !== undefined && !server.isNamed(iss))) {
    throw new AuthorizationResponseError('ISS_MISMATCH', 'The response comes from another issuer.', {
      facts: { iss, wanted: server.issuer },
    });
  }
  const metadata = await server.metadata();
  if (iss === undefined && metadata.authorization_response_iss_parameter_supported === true) {
    throw new AuthorizationResponseError('ISS_MISSING', 'The server names itself in its responses; this one does not.');
  }
}
