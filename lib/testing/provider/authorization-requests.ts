import type { RegisteredClient } from './clients.js';
import type { ProviderContext } from './context.js';
import { randomValue } from './issued.js';
import type { ProviderClock } from './provider-clock.js';
import { requestObjectOf } from './request-object.js';

/** The parameters of an authorization request, as text. */
export type RequestParameters = Readonly<Record<string, string>>;

/** Seconds for which a request URI is good. */
export const REQUEST_LIFETIME = 60;

interface PushedRequest {
  readonly client: RegisteredClient;
  readonly parameters: RequestParameters;
  readonly expiresAt: number;
}

/** The pushed requests that wait for their browsers, and the request objects that were used. */
export class AuthorizationRequests {
  readonly #pushed = new Map<string, PushedRequest>();
  readonly #usedObjects = new Set<string>();

  constructor(private readonly clock: ProviderClock) {}

  /** @returns the request URI */
  push(client: RegisteredClient, parameters: RequestParameters): string {
    const uri = `urn:ietf:params:oauth:request_uri:${randomValue()}`;
    this.#pushed.set(uri, { client, parameters, expiresAt: this.clock.seconds + REQUEST_LIFETIME });
    return uri;
  }

  /** RFC 9126, section 7.3: once. */
  take(uri: string): PushedRequest | undefined {
    const pushed = this.#pushed.get(uri);
    this.#pushed.delete(uri);
    return pushed !== undefined && pushed.expiresAt > this.clock.seconds ? pushed : undefined;
  }

  /** Whether a request object has not been seen. From now on it has. */
  isNew(jti: string): boolean {
    const isNew = !this.#usedObjects.has(jti);
    this.#usedObjects.add(jti);
    return isNew;
  }
}

/**
 * The parameters of a request at the authorization endpoint: those that were pushed (RFC 9126, section 4), those of its
 * request object (RFC 9101, section 5), or its own.
 *
 * @throws the request is not made as the client has registered, or as the specifications have it
 */
export async function requestAt(op: ProviderContext, received: RequestParameters): Promise<RequestParameters> {
  const { client_id = '', request_uri } = received;
  const client = op.clients.find(client_id);
  if (client === undefined) {
    throw new Error(`The client ${client_id} is not registered`);
  }
  if (request_uri?.startsWith('http') === true) {
    return parametersOf(op, client, await dereferenced(client, request_uri, received));
  }
  if (request_uri !== undefined) {
    const pushed = op.requests.take(request_uri);
    if (pushed?.client !== client || Object.keys(received).length !== 2) {
      throw new Error('Nobody pushed this request, or there is more in the URL than it');
    }
    return pushed.parameters;
  }
  if (client['require_pushed_authorization_requests'] === true) {
    throw new Error('The client has to push its requests');
  }
  return parametersOf(op, client, received);
}

/** RFC 9101, section 5.2.3: the same request with the request object that its reference leads to. */
async function dereferenced(
  client: RegisteredClient,
  uri: string,
  { request_uri: _, ...received }: RequestParameters,
): Promise<RequestParameters> {
  const registered: unknown = client['request_uris'];
  if (!Array.isArray(registered) || !registered.includes(uri)) {
    throw new Error('The reference to the request object is not registered');
  }
  const response = await fetch(uri);
  if (response.headers.get('content-type') !== 'application/oauth-authz-req+jwt') {
    throw new Error('The reference leads to no request object');
  }
  return { ...received, request: await response.text() };
}

/** The parameters of a request that is no reference: those of its request object, or its own. */
export async function parametersOf(
  op: ProviderContext,
  client: RegisteredClient,
  received: RequestParameters,
): Promise<RequestParameters> {
  const { request } = received;
  const isRegistered = client['request_object_signing_alg'] !== undefined;
  if ((request !== undefined) !== isRegistered) {
    throw new Error(`The client is ${isRegistered ? '' : 'not '}registered for request objects`);
  }
  if (request === undefined) {
    return received;
  }
  const values = await requestObjectOf(op, client, request);
  const parameters = Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  );
  // OpenID Connect Core 1.0, section 6.1: what stands in both is the same.
  const differing = Object.entries(received).find(([name, value]) => name !== 'request' && parameters[name] !== value);
  if (differing !== undefined) {
    throw new Error(`${differing[0]} is another one in the request object`);
  }
  return parameters;
}
