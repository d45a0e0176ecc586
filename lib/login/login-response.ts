import { AuthorizationResponseError } from '../errors/errors.js';
import { parseParameters, type Parameters } from '../nest/parameters.js';
import * as requests from '../nest/requests.js';
import { isNqchars } from '../values/oauth-characters.js';
import type { LoginSettings } from './login.options.js';

/** Each authorization response has one of these parameters (RFC 6749, section 4.1.2; JARM, section 2.3.1). */
const RESPONSE_PARAMETERS = ['code', 'error', 'response'] as const;

type ResponseMode = LoginSettings['responseMode'];

/**
 * Reads an authorization response, by the requested response mode only (OAuth 2.0 Form Post Response Mode).
 *
 * @throws {AuthorizationResponseError} it came in another way, or can't be read
 */
export async function readResponse(request: unknown, mode: ResponseMode): Promise<Parameters> {
  if (requests.method(request) !== (mode === 'form_post' ? 'POST' : 'GET')) {
    throw new AuthorizationResponseError('RESPONSE_MODE', 'The response came in another way than was asked for');
  }
  return readParameters(request, mode);
}

/** The parameters of a request, or none if they can't be read: beginning a login needs none. */
export async function readableParameters(request: unknown, mode: ResponseMode): Promise<Parameters> {
  try {
    return await readParameters(request, mode);
  } catch {
    return new Map();
  }
}

function readParameters(request: unknown, mode: ResponseMode): Parameters | Promise<Parameters> {
  return requests.method(request) === 'POST' && mode === 'form_post'
    ? requests.form(request)
    : parseParameters(requests.query(request));
}

/** Whether the parameters look like an authorization response. */
export function isResponse(parameters: Parameters): boolean {
  return RESPONSE_PARAMETERS.some((name) => parameters.has(name));
}

/** Characters of a `session_state`: a hash and its salt, and room. */
const LONGEST_SESSION_STATE = 256;

/**
 * The `session_state` of a response (OpenID Connect Session Management 1.0, section 2), which has no space in it. Undefined where it
 * is none.
 */
export function sessionStateOf(parameters: Parameters): string | undefined {
  const state = parameters.get('session_state') ?? '';
  return state.length <= LONGEST_SESSION_STATE && isNqchars(state) ? state : undefined;
}

/** The `state` of a response. @throws {AuthorizationResponseError} it has none */
export function stateOf(parameters: Parameters): string {
  const state = parameters.get('state');
  if (state === undefined) {
    throw parameters.size === 0
      ? new AuthorizationResponseError('MISSING_RESPONSE', 'The request carries no authorization response')
      : new AuthorizationResponseError('STATE_MISSING', 'The response has no state');
  }
  return state;
}
