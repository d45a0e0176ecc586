import type { RegisteredClient } from './clients.js';
import type { ProviderContext } from './context.js';
import type { Answer } from './http-answer.js';
import { randomValue } from './issued.js';
import type { Recorded } from './loopback-server.js';
import { NO_STORE, oauthError } from './oauth-answers.js';
import type { Members } from './response-hooks.js';

/** The tokens for registrations, by `client_id` (RFC 7592, section 3). */
export type RegistrationTokens = Map<string, string>;

/** Methods for which the provider makes a secret. */
const WITH_SECRET: readonly unknown[] = [undefined, 'client_secret_basic', 'client_secret_post', 'client_secret_jwt'];

/** Dynamic client registration (RFC 7591, section 3), and its management (RFC 7592, section 2). */
export async function register(op: ProviderContext, request: Recorded): Promise<Answer> {
  const id = request.path.split('/register/')[1];
  if (id === undefined) {
    return request.method === 'POST' ? create(op, membersIn(request)) : { status: 405 };
  }
  if (op.registrations.get(id) !== bearerOf(request)) {
    return { status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } };
  }
  return manage(op, id, request);
}

function create(op: ProviderContext, members: Members): Answer {
  const uris = members['redirect_uris'];
  if (!Array.isArray(uris) || uris.some((uri) => String(uri).includes('#'))) {
    return oauthError(400, 'invalid_redirect_uri');
  }
  const client = {
    token_endpoint_auth_method: 'client_secret_basic',
    grant_types: ['authorization_code'],
    response_types: ['code'],
    ...members,
    client_id: random(),
    ...(WITH_SECRET.includes(members['token_endpoint_auth_method']) && { client_secret: random() }),
  };
  op.clients.register(client);
  return { status: 201, headers: NO_STORE, body: informationOf(op, client) };
}

function manage(op: ProviderContext, id: string, request: Recorded): Answer {
  const known = op.clients.find(id);
  if (known === undefined) {
    return { status: 404 };
  }
  if (request.method === 'DELETE') {
    op.clients.remove(id);
    op.registrations.delete(id);
    return { status: 204, headers: NO_STORE };
  }
  const members = membersIn(request);
  if (request.method === 'PUT' && members['client_id'] !== id) {
    return oauthError(400, 'invalid_client_metadata');
  }
  const client = request.method === 'PUT' ? { ...members, client_id: id, client_secret: known.client_secret } : known;
  op.clients.register(client);
  return { headers: NO_STORE, body: informationOf(op, client) };
}

/** The client information response, with a new token each time (RFC 7592, section 3). */
function informationOf(op: ProviderContext, client: RegisteredClient): Members {
  const token = random();
  op.registrations.set(client.client_id, token);
  return {
    ...client,
    client_id_issued_at: op.clock.seconds,
    ...(client.client_secret !== undefined && { client_secret_expires_at: 0 }),
    registration_access_token: token,
    registration_client_uri: `${op.url('register')}/${client.client_id}`,
  };
}

function membersIn({ body, headers }: Recorded): Members {
  return headers['content-type'] === 'application/json' ? JSON.parse(body) : {};
}

function bearerOf({ headers }: Recorded): string | undefined {
  return /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
}

function random(): string {
  return randomValue();
}
