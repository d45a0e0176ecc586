import { oauthError } from '../authorization-server/oauth-response.js';
import { withoutSecrets } from '../authorization-server/sent-secrets.js';
import type { Server } from '../authorization-server/server.js';
import { AuthorizationResponseError } from '../errors/errors.js';
import { equalInConstantTime } from '../jose/constant-time.js';
import { isVschars } from '../values/oauth-characters.js';
import { jwtOfResponse, unverifiedParameters, verifiedParameters, type ResponseParameters } from './jarm.js';
import { isJarm, type ResponseMode } from './response-mode.js';
import { carries } from './response-type.js';
import type { AuthorizationTransaction } from './transaction.js';

/** A parameter that only some response types bring. */
interface ResponseParameter {
  /** What the response type has to carry for it to be there. */
  readonly with: 'code' | 'id_token' | 'access_token';
  /** Maximum length in characters: more than any server issues. */
  readonly maxLength: number;
}

/**
 * The parameters that only some response types bring. In another response they are a sign of an attack (RFC 9700, section
 * 2.1.2).
 */
const RESPONSE_PARAMETERS: ReadonlyMap<string, ResponseParameter> = new Map<string, ResponseParameter>([
  ['code', { with: 'code', maxLength: 4096 }],
  ['id_token', { with: 'id_token', maxLength: 65_536 }],
  ['access_token', { with: 'access_token', maxLength: 65_536 }],
  ['token_type', { with: 'access_token', maxLength: 64 }],
  ['expires_in', { with: 'access_token', maxLength: 16 }],
]);

/** What an authorization response brought: a code, an ID token, or both. Its tokens are not verified. */
export type AuthorizationResponse = {
  /** All of the response. */
  readonly parameters: ResponseParameters;
} & (
  | { readonly code: string; readonly id_token: string | undefined }
  | { readonly code: undefined; readonly id_token: string }
);

/**
 * The parameters of a response as they came, out of its JWT where one was asked for. **Nothing is verified**: `state` finds
 * the login that it may belong to.
 *
 * @throws {AuthorizationResponseError} it is not of the mode
 */
export async function readResponse(
  server: Server,
  parameters: ResponseParameters,
  mode: ResponseMode,
): Promise<ResponseParameters> {
  return isJarm(mode) ? unverifiedParameters(server, jwtOfResponse(parameters)) : parameters;
}

/**
 * Processes the authorization response (RFC 6749, sections 4.1.2 and 4.2.2; RFC 9207; OpenID Connect Core 1.0, sections 3.2.2.8
 * and 3.3.2.8; JARM, section 2.4).
 *
 * @throws {AuthorizationResponseError} it does not belong to this transaction
 * @throws {OAuthError} the server refused the login
 */
export async function processAuthorizationResponse(
  server: Server,
  sent: ResponseParameters,
  transaction: AuthorizationTransaction,
): Promise<AuthorizationResponse> {
  const jwt = isJarm(transaction.response_mode) ? jwtOfResponse(sent) : undefined;
  requireState(jwt === undefined ? sent : await unverifiedParameters(server, jwt), transaction);
  const parameters = jwt === undefined ? sent : await verifiedParameters(server, jwt);
  await requireIssuer(server, parameters, transaction);
  requireExpected(parameters, transaction);
  requireSuccess(parameters, transaction);
  const [code, id_token] = [parameters.get('code'), parameters.get('id_token')];
  if (code !== undefined) {
    return { code, id_token, parameters };
  }
  if (id_token !== undefined) {
    return { code, id_token, parameters };
  }
  throw missing('code');
}

function requireState(parameters: ResponseParameters, transaction: AuthorizationTransaction): void {
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
  parameters: ResponseParameters,
  transaction: AuthorizationTransaction,
): Promise<void> {
  const iss = parameters.get('iss');
  if (transaction.issuer !== server.issuer || (iss !== undefined && !server.isNamed(iss))) {
    throw new AuthorizationResponseError('ISS_MISMATCH', 'The response comes from another issuer.', {
      facts: { iss, wanted: server.issuer },
    });
  }
  // An ID token in the response names the issuer as well, and is verified before the code is sent anywhere.
  if (iss !== undefined || (parameters.has('id_token') && carries(transaction.response_type, 'id_token'))) {
    return;
  }
  const { authorization_response_iss_parameter_supported: isPromised } = await server.metadata();
  if (isPromised === true) {
    throw new AuthorizationResponseError('ISS_MISSING', 'The server names itself in its responses; this one does not.');
  }
}

/** Refuses parameters of another response type, and a response of another mode. */
function requireExpected(parameters: ResponseParameters, { response_type }: AuthorizationTransaction): void {
  const isForeign = [...RESPONSE_PARAMETERS].some(
    ([name, needed]) => parameters.has(name) && !carries(response_type, needed.with),
  );
  if (isForeign || parameters.has('response')) {
    throw new AuthorizationResponseError('UNEXPECTED_PARAMETER', 'The response has parameters of another flow.');
  }
}

/** Checks that the response is no error, and has all that its type carries. */
function requireSuccess(parameters: ResponseParameters, transaction: AuthorizationTransaction): void {
  const error = parameters.get('error');
  if (error !== undefined) {
    const { state, nonce, code_verifier } = transaction;
    const tokens = ['code', 'id_token', 'access_token'].map((name) => parameters.get(name) ?? '');
    const description = parameters.get('error_description');
    throw oauthError(error, 'authorization_endpoint', {
      error_description: description && withoutSecrets(description, [...tokens, state, nonce, code_verifier]),
    });
  }
  for (const [name, { with: carried, maxLength }] of RESPONSE_PARAMETERS) {
    const value = parameters.get(name);
    if (!value && name === carried && carries(transaction.response_type, carried)) {
      throw missing(carried);
    }
    if (value !== undefined && (value.length > maxLength || !isVschars(value))) {
      throw new AuthorizationResponseError('INVALID_PARAMETER', `The ${name} is too long or has other characters.`);
    }
  }
}

function missing(parameter: 'code' | 'id_token' | 'access_token'): AuthorizationResponseError {
  const code = parameter === 'code' ? 'CODE_MISSING' : 'TOKEN_MISSING';
  return new AuthorizationResponseError(code, `The response has neither ${parameter} nor an error.`);
}
