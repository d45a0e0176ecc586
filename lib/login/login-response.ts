import type { Server } from '../authorization-server/server.js';
import { readResponse } from '../authorization/authorization-response.js';
import {
  requestedResponse,
  type RequestedResponse,
  type ResponseMetadata,
} from '../authorization/requested-response.js';
import { deliveryOf, type Delivery } from '../authorization/response-mode.js';
import { AuthorizationResponseError } from '../errors/errors.js';
import { parseParameters, singleParameter, type Parameters } from '../nest/parameters.js';
import * as requests from '../nest/requests.js';
import { isNqchars } from '../values/oauth-characters.js';
import { FRAGMENT } from './fragment-page.js';
import type { LoginSettings } from './login.options.js';

/** Each authorization response has one of these parameters (RFC 6749, sections 4.1.2 and 4.2.2; JARM, section 2.3). */
const RESPONSE_PARAMETERS = ['code', 'id_token', 'access_token', 'error', 'response'] as const;

/** How responses to logins come. */
export interface ExpectedResponse {
  readonly requested: RequestedResponse;
  readonly delivery: Delivery;
}

/** How responses to the logins of a client come, as it is registered and as `login.responseMode` says. */
export function expectedResponse(
  client: ResponseMetadata,
  { responseMode: response_mode }: Pick<LoginSettings, 'responseMode'>,
): ExpectedResponse {
  const requested = requestedResponse(client, { response_mode });
  return { requested, delivery: deliveryOf(requested.response_type, requested.response_mode) };
}

/** How a browser brings a response to the callback. */
interface Way {
  readonly method: 'GET' | 'POST';
  read(request: unknown): Parameters | Promise<Parameters>;
}

/** The way of each delivery. A fragment stays in the browser, so that a page of ours posts it. */
const WAYS: Readonly<Record<Delivery, Way>> = {
  query: { method: 'GET', read: (request) => parseParameters(requests.query(request)) },
  form_post: { method: 'POST', read: requests.form },
  fragment: { method: 'POST', read: async (request) => inFragment(await requests.form(request)) },
};

/**
 * Reads the parameters of an authorization response, by the requested delivery only.
 *
 * @throws {AuthorizationResponseError} it came in another way, or can't be read
 */
export async function receivedParameters(request: unknown, delivery: Delivery): Promise<Parameters> {
  const { method, read } = WAYS[delivery];
  if (requests.method(request) !== method) {
    throw otherMode();
  }
  return read(request);
}

/** The `state` of what looks like a response; undefined where there is none: beginning a login needs none. */
export async function readableState(
  request: unknown,
  server: Server,
  { requested, delivery }: ExpectedResponse,
): Promise<string | undefined> {
  const { method, read } = WAYS[delivery];
  try {
    const sent = await (requests.method(request) === method ? read(request) : WAYS.query.read(request));
    if (!isResponse(sent)) {
      return undefined;
    }
    return (await readResponse(server, sent, requested.response_mode)).get('state');
  } catch {
    return undefined;
  }
}

/** Whether the browser asks for the page that posts its fragment. What has a response in its query is none of those. */
export function isForFragmentPage(request: unknown, delivery: Delivery): boolean {
  const hasResponse = (): boolean =>
    RESPONSE_PARAMETERS.some((name) => singleParameter(requests.query(request), name) !== undefined);
  return delivery === 'fragment' && requests.method(request) === 'GET' && !hasResponse();
}

/** The methods of the requests to a callback: the page for a fragment is one of them. */
export function methodsOf(delivery: Delivery): readonly string[] {
  return delivery === 'fragment' ? ['GET', 'POST'] : [WAYS[delivery].method];
}

/** Whether the parameters look like an authorization response. */
function isResponse(parameters: Parameters): boolean {
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

/** The parameters in the fragment that our page has posted. Another page's form has no such field. */
function inFragment(form: Parameters): Parameters {
  const fragment = form.get(FRAGMENT);
  if (fragment === undefined && form.size > 0) {
    throw otherMode();
  }
  return parseParameters(fragment ?? '');
}

function otherMode(): AuthorizationResponseError {
  return new AuthorizationResponseError('RESPONSE_MODE', 'The response came in another way than was asked for');
}
