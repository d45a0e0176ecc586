import { createLocalJWKSet, decodeProtectedHeader, jwtVerify, type JSONWebKeySet } from 'jose';

import { decodeJwt } from './keys.js';
import type { Recorded } from './loopback-server.js';

/** A client as the provider knows it: IANA's registered members, as in the library's options. */
export interface RegisteredClient {
  readonly [metadata: string]: unknown;
  readonly client_id: string;
  /** Compared with what comes; a test that hands a function to the library registers the text here. */
  readonly client_secret?: unknown;
  readonly redirect_uris?: readonly string[] | undefined;
  readonly token_endpoint_auth_method?: string | undefined;
  readonly introspection_endpoint_auth_method?: string | undefined;
  readonly revocation_endpoint_auth_method?: string | undefined;
}

/** How a client showed who it is; the provider puts it into `request.notes`. */
export interface SeenAuthentication {
  readonly client_id: string;
  readonly method: string;
  /** Why it was refused. */
  readonly problem?: string;
  /** Of an assertion. */
  readonly header?: Readonly<Record<string, unknown>>;
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** What the client presented, whether or not it is right. */
interface Presented {
  readonly client_id: string;
  readonly method: string;
  readonly secret?: string;
  readonly assertion?: string;
}

/** The provider's clients, and the judgement of their credentials (RFC 6749, section 2.3; OpenID Connect Core, section 9). */
export class ProviderClients {
  readonly #clients = new Map<string, RegisteredClient>();
  readonly #usedAssertions = new Set<string>();

  constructor(
    private readonly issuer: () => string,
    private readonly now: () => number,
  ) {}

  /** Adds a client, in place of one with the same `client_id`. */
  register(client: RegisteredClient): void {
    this.#clients.set(client.client_id, client);
  }

  remove(clientId: string): void {
    this.#clients.delete(clientId);
  }

  find(clientId: string): RegisteredClient | undefined {
    return this.#clients.get(clientId);
  }

  /** @returns the client, when it authenticated in exactly the way that is registered for the endpoint */
  async authenticate(request: Recorded): Promise<RegisteredClient | undefined> {
    const ways = presentedIn(request);
    const [presented] = ways;
    if (presented === undefined || ways.length > 1) {
      request.notes['authentication'] = { client_id: '', method: '', problem: `${ways.length} ways to authenticate` };
      return undefined;
    }
    const client = this.#clients.get(presented.client_id);
    const problem = await this.#problemWith(client, presented, request.endpoint);
    const seen: SeenAuthentication = {
      client_id: presented.client_id,
      method: presented.method,
      ...(presented.assertion !== undefined && decodeJwt(presented.assertion)),
      ...(problem !== undefined && { problem }),
    };
    request.notes['authentication'] = seen;
    return problem === undefined ? client : undefined;
  }

  async #problemWith(
    client: RegisteredClient | undefined,
    { method, secret, assertion }: Presented,
    endpoint: string,
  ): Promise<string | undefined> {
    if (client === undefined) {
      return 'unknown client';
    }
    if (method !== methodOf(client, endpoint)) {
      return `${method} is not registered`;
    }
    if (assertion !== undefined) {
      return this.#problemWithAssertion(client, assertion);
    }
    return method === 'none' || secret === client.client_secret ? undefined : 'wrong secret';
  }

  async #problemWithAssertion(client: RegisteredClient, assertion: string): Promise<string | undefined> {
    try {
      const { payload } = await jwtVerify(
        assertion,
        // The key is picked by hand: what the header says is not trusted to pick the kind.
        (header, token) =>
          header.alg?.startsWith('HS')
            ? Promise.resolve(secretOf(client))
            : createLocalJWKSet(publicKeysOf(client))(header, token),
        {
          issuer: client.client_id,
          subject: client.client_id,
          audience: this.issuer(),
          requiredClaims: ['jti', 'exp'],
          currentDate: new Date(this.now()),
        },
      );
      const id = String(payload.jti);
      if (this.#usedAssertions.has(id)) {
        return 'assertion used before';
      }
      this.#usedAssertions.add(id);
      return undefined;
    } catch (error) {
      return String(error);
    }
  }
}

/** The client's secret, as the key of HMAC. */
export function secretOf(client: RegisteredClient): Uint8Array {
  return new TextEncoder().encode(String(client.client_secret));
}

function methodOf(client: RegisteredClient, endpoint: string): string {
  const members: Readonly<Record<string, string>> = {
    introspect: 'introspection_endpoint_auth_method',
    revoke: 'revocation_endpoint_auth_method',
  };
  const own = client[members[endpoint] ?? 'token_endpoint_auth_method'];
  const fallback = client.client_secret === undefined ? (client['jwks'] ? 'private_key_jwt' : 'none') : undefined;
  return String(own ?? client.token_endpoint_auth_method ?? fallback ?? 'client_secret_basic');
}

function presentedIn({ headers, form }: Recorded): readonly Presented[] {
  const ways: Presented[] = [];
  const [, basic] = /^Basic (.+)$/i.exec(headers.authorization ?? '') ?? [];
  if (basic !== undefined) {
    const [id = '', secret = ''] = Buffer.from(basic, 'base64').toString().split(':').map(formDecode);
    ways.push({ client_id: id, method: 'client_secret_basic', secret });
  }
  if (form['client_secret'] !== undefined) {
    ways.push({ client_id: form['client_id'] ?? '', method: 'client_secret_post', secret: form['client_secret'] });
  }
  const assertion = form['client_assertion'];
  if (assertion !== undefined && form['client_assertion_type'] === ASSERTION_TYPE) {
    const isSymmetric = decodeProtectedHeader(assertion).alg?.startsWith('HS') === true;
    const client_id = String(decodeJwt(assertion).claims['sub']);
    ways.push({ client_id, method: isSymmetric ? 'client_secret_jwt' : 'private_key_jwt', assertion });
  }
  if (ways.length === 0 && form['client_id'] !== undefined) {
    ways.push({ client_id: form['client_id'], method: 'none' });
  }
  return ways;
}

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

function formDecode(text: string): string {
  return new URLSearchParams(`v=${text}`).get('v') ?? '';
}

/** The public keys that a client registered. */
export function publicKeysOf(client: RegisteredClient): JSONWebKeySet {
  const { keys = [] }: Partial<JSONWebKeySet> = Object(client['jwks']);
  return { keys: keys.map(({ d, p, q, dp, dq, qi, use, ...key }) => ({ ...key, kty: String(key.kty) })) };
}
