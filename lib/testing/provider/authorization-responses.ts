import type { RequestParameters } from './authorization-requests.js';
import type { RegisteredClient } from './clients.js';
import type { ProviderContext } from './context.js';
import type { Answer } from './http-answer.js';
import { newIdToken } from './id-token.js';
import type { Recorded } from './loopback-server.js';
import { formPost, redirect, type Pairs } from './oauth-answers.js';

/** The response types (OpenID Connect Core 1.0, section 3), their words in alphabetical order. */
export const RESPONSE_TYPES: readonly string[] = [
  'code',
  'id_token',
  'id_token token',
  'code id_token',
  'code token',
  'code id_token token',
];

export const RESPONSE_MODES = ['query', 'fragment', 'form_post', 'jwt', 'query.jwt', 'fragment.jwt', 'form_post.jwt'];

/** How the parameters reach the client. */
const DELIVERIES: Readonly<Record<string, (target: string, parameters: Pairs) => Answer>> = {
  query: (target, parameters) => redirect(target, parameters, 'search'),
  fragment: (target, parameters) => redirect(target, parameters, 'hash'),
  form_post: formPost,
};

type Outcome = Readonly<Record<string, string | undefined>>;

/** Whether a request has all that its response type needs (OpenID Connect Core 1.0, sections 3.1.2.1, 3.2.2.1 and 3.3.2.1). */
export function isComplete(parameters: RequestParameters): boolean {
  const words = wordsOf(parameters);
  const mode = modeOf(parameters);
  const hasTokens = usualMode(words) === 'fragment';
  return (
    RESPONSE_TYPES.includes(words.join(' ')) &&
    RESPONSE_MODES.includes(mode) &&
    !(hasTokens && (mode.startsWith('query') || parameters['nonce'] === undefined)) &&
    (!words.includes('code') || parameters['code_challenge_method'] === 'S256') &&
    (parameters['scope'] ?? '').split(' ').includes('openid')
  );
}

/** What the words of the response type bring. */
export async function success(
  op: ProviderContext,
  client: RegisteredClient,
  parameters: RequestParameters,
  request: Recorded,
): Promise<Outcome> {
  const user = op.userOf(request);
  const { sub } = user;
  const { scope = '', state, nonce } = parameters;
  const words = wordsOf(parameters);
  const code = words.includes('code') ? op.issued.code(client, parameters, user) : undefined;
  const access_token = words.includes('token')
    ? op.issued.token({ scope, client_id: client.client_id, sub })
    : undefined;
  const grant = { client, scope, ...user, nonce, authTime: op.clock.seconds };
  const id_token = words.includes('id_token')
    ? await newIdToken(op, grant, { access_token, code, state }, request, true)
    : undefined;
  const ofToken = { token_type: 'Bearer', expires_in: '3600' };
  return { code, access_token, id_token, ...(access_token !== undefined && ofToken) };
}

/** Sends the browser back, in the response mode that was asked for. */
export async function respond(
  op: ProviderContext,
  client: RegisteredClient,
  parameters: RequestParameters,
  outcome: Outcome,
  request: Recorded,
): Promise<Answer> {
  const { state, redirect_uri = '' } = parameters;
  const sent = await op.hooks.authorizationResponse({ ...outcome, state, iss: op.issuer }, request);
  const pairs = Object.entries(sent).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
  const mode = modeOf(parameters);
  const [delivery = '', jwt] = mode === 'jwt' ? [usualMode(wordsOf(parameters)), mode] : mode.split('.');
  const deliver = DELIVERIES[delivery] ?? formPost;
  return deliver(redirect_uri, jwt === undefined ? pairs : [['response', await jarm(op, client, pairs, request)]]);
}

/** JARM, section 2.1. */
function jarm(op: ProviderContext, client: RegisteredClient, pairs: Pairs, request: Recorded): Promise<string> {
  const alg = String(client['authorization_signed_response_alg'] ?? 'RS256');
  const claims = { ...Object.fromEntries(pairs), aud: client.client_id, exp: op.clock.seconds + 600 };
  return op.hooks.authorizationJwt({ answer: 'authorization', client, alg, claims }, request);
}

function wordsOf(parameters: RequestParameters): readonly string[] {
  return (parameters['response_type'] ?? '').split(' ').toSorted();
}

function modeOf(parameters: RequestParameters): string {
  return parameters['response_mode'] ?? usualMode(wordsOf(parameters));
}

/** OAuth 2.0 Multiple Response Type Encoding Practices, section 5. */
function usualMode(words: readonly string[]): string {
  return words.join(' ') === 'code' ? 'query' : 'fragment';
}
