import { ConfigError } from '../errors/errors.js';
import type { HttpRequest } from '../http/request.js';
import type { Transport } from '../http/transport.js';
import { customFetch, type ClientMetadata } from '../metadata/client-metadata.js';
import { discover, type DiscoveryDocument } from '../metadata/discovery.js';
import { toError } from '../metadata/finding.js';
import { callingIssuer, type IssuerCallOptions } from '../metadata/issuer-calls.js';
import { isSecure, serverOptionsSchema } from '../metadata/metadata.options.js';
import { registrationRequest } from '../metadata/registration-request.js';
import {
  invalidRegistration,
  processRegistration,
  type RegisteredMetadata,
} from '../metadata/registration-response.js';
import { missingEndpoint } from '../metadata/server-findings.js';
import { isCallable, type EgressRule, type ServerMetadata } from '../metadata/server-metadata.js';
import type { JsonObject } from '../values/json.js';
import { isVschars } from '../values/oauth-characters.js';
import { Secret } from '../values/secret.js';
import { isWebUrl } from '../values/url.js';
import { validate } from '../values/validate.js';
import { requireJson, requireStatus } from './oauth-response.js';

/** How a client is registered. */
export interface RegistrationOptions extends IssuerCallOptions {
  /** The access token without which the server registers nobody (RFC 7591, section 3). */
  readonly initialAccessToken?: string;
  /** Server metadata that overrides the discovered members. With `issuer` in it there is no discovery. */
  readonly server?: Partial<ServerMetadata>;
  readonly discovery?: { readonly document?: DiscoveryDocument; readonly url?: string };
}

/** What a registration brought: `client` for the module's options, and what to manage it with. */
export interface RegistrationResult extends Omit<RegisteredMetadata, 'management'> {
  /** Undefined: the server has no management of registrations. */
  readonly registration: ClientRegistration | undefined;
}

/** The address of a registration and the token for it, as a server gave them, and what was registered there. */
export interface RegistrationAccess {
  readonly registration_client_uri: string;
  readonly registration_access_token: string | Secret;
  /** What was asked for: its private keys are put into what is read again. */
  readonly metadata?: Partial<ClientMetadata>;
}

/**
 * Registers a client at a server (RFC 7591; OpenID Connect Dynamic Client Registration 1.0). Of the keys in `jwks` the public
 * members are sent; the private ones stay in the `client` that is returned.
 *
 * ```ts
 * const { client, registration, differences } = await registerClient('https://op.example.com', {
 *   redirect_uris: ['https://app.example.com/auth/callback'],
 *   client_name: 'Orders',
 *   id_token_signed_response_alg: 'ES256',
 * });
 * const module = OidcModule.forRootAsync({ useFactory: () => ({ issuer: 'https://op.example.com', client }) });
 * ```
 *
 * Each call makes a new client: keep the result.
 *
 * @param metadata `software_statement` may be among it (RFC 7591, section 2.3); the server gives `client_id` and secret
 * @throws {OAuthError} the server refused, such as with `invalid_redirect_uri`
 * @throws {ConfigError} a member is wrong, or the server publishes no `registration_endpoint`
 */
export async function registerClient(
  issuer: string,
  metadata: Partial<ClientMetadata>,
  options: RegistrationOptions = {},
): Promise<RegistrationResult> {
  const { initialAccessToken, insecureHttp = false, server: overrides = {}, discovery = {} } = options;
  validate(serverOptionsSchema.issuer, issuer, 'issuer');
  requireSecure(issuer, 'issuer', insecureHttp);
  requireToken(initialAccessToken, 'initialAccessToken');
  requireNew(metadata);
  const body = registrationRequest(metadata);
  return calling(metadata, options, async (transport) => {
    const { document = 'openid-configuration', url } = discovery;
    const source = { issuer, insecureHttp, document, url, overrides };
    const { registration_endpoint: endpoint } = await discover(transport, source, Date.now).get();
    if (endpoint === undefined) {
      throw toError(missingEndpoint('registration_endpoint'));
    }
    const response = await transport.request(
      jsonRequest('POST', { url: endpoint, endpoint: 'registration_endpoint' }, initialAccessToken, body),
    );
    requireStatus(response, response.status === 200 ? 200 : 201, 'registration_endpoint');
    const { management, ...registered } = processRegistration(requireJson(response), metadata);
    return { ...registered, registration: management && newRegistration(management, source, metadata, options) };
  });
}

/** @throws {ResponseError} the server names an address that is not called */
function newRegistration(
  management: NonNullable<RegisteredMetadata['management']>,
  rule: EgressRule,
  metadata: Partial<ClientMetadata>,
  options: IssuerCallOptions,
): ClientRegistration {
  if (!isCallable(management.registration_client_uri, rule)) {
    throw invalidRegistration('registration_client_uri');
  }
  return new ClientRegistration({ ...management, metadata }, options);
}

/**
 * A client's registration at a server: reads, replaces and ends it (RFC 7592). Keep its address and its token, as secret as a
 * password, to manage the client later:
 *
 * ```ts
 * const registration = new ClientRegistration({
 *   registration_client_uri: 'https://op.example.com/register/s6BhdRkqt3',
 *   registration_access_token: String(process.env['REGISTRATION_ACCESS_TOKEN']),
 * });
 * const { client } = await registration.read();
 * await registration.update({ ...client, client_name: 'Orders and more' });
 * await registration.delete();
 * ```
 */
export class ClientRegistration {
  readonly registration_client_uri: string;
  #accessToken: Secret;
  #metadata: Partial<ClientMetadata>;
  readonly #options: IssuerCallOptions;

  constructor(access: RegistrationAccess, options: IssuerCallOptions = {}) {
    const { registration_client_uri: uri, registration_access_token: token, metadata = {} } = access;
    requireSecure(uri, 'registration_client_uri', options.insecureHttp === true);
    this.registration_client_uri = uri;
    this.#accessToken = typeof token === 'string' ? new Secret(token) : token;
    requireToken(this.#accessToken.reveal(), 'registration_access_token');
    this.#metadata = metadata;
    this.#options = options;
  }

  /** The token for the registration. A server may give another one with every answer: keep the last. */
  get registration_access_token(): Secret {
    return this.#accessToken;
  }

  /** What is registered now (RFC 7592, section 2.1). */
  read(): Promise<RegistrationResult> {
    return this.#send('GET', this.#metadata);
  }

  /**
   * Replaces what is registered (RFC 7592, section 2.2). Members that are left out are deleted there.
   *
   * @param client the `client` of a registration with its changes
   */
  update(client: ClientMetadata): Promise<RegistrationResult> {
    return this.#send('PUT', client);
  }

  /** Ends the registration, and with it the client (RFC 7592, section 2.3). */
  async delete(): Promise<void> {
    await calling(this.#metadata, this.#options, async (transport) => {
      const request = jsonRequest('DELETE', this.#target, this.#accessToken.reveal());
      requireStatus(await transport.request(request), 204, 'registration_endpoint');
    });
  }

  get #target(): Pick<HttpRequest, 'url' | 'endpoint'> {
    return { url: this.registration_client_uri, endpoint: 'registration_client_uri' };
  }

  #send(method: 'GET' | 'PUT', metadata: Partial<ClientMetadata>): Promise<RegistrationResult> {
    const { client_id } = metadata;
    const body = method === 'PUT' ? { ...registrationRequest(metadata), client_id } : undefined;
    return calling(metadata, this.#options, async (transport) => {
      const request = jsonRequest(method, this.#target, this.#accessToken.reveal(), body);
      const response = await transport.request(request);
      requireStatus(response, 200, 'registration_endpoint');
      const { management, ...registered } = processRegistration(requireJson(response), metadata);
      if (management !== undefined && management.registration_client_uri !== this.registration_client_uri) {
        throw invalidRegistration('registration_client_uri');
      }
      this.#accessToken = management ? new Secret(management.registration_access_token) : this.#accessToken;
      this.#metadata = metadata;
      return { ...registered, registration: this };
    });
  }
}

function calling<T>(
  metadata: Partial<ClientMetadata>,
  options: IssuerCallOptions,
  work: (transport: Transport) => Promise<T>,
): Promise<T> {
  const fetch = options.fetch ?? metadata[customFetch];
  return callingIssuer({ ...options, ...(fetch !== undefined && { fetch }) }, work);
}

function jsonRequest(
  method: HttpRequest['method'],
  target: Pick<HttpRequest, 'url' | 'endpoint'>,
  token: string | undefined,
  body?: JsonObject,
): HttpRequest {
  return {
    method,
    ...target,
    headers: {
      accept: 'application/json',
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    retry: method === 'GET' ? 'idempotent' : 'never',
  };
}

function requireSecure(url: string, member: string, insecureHttp: boolean): void {
  if (!isWebUrl(url) || !isSecure(url, insecureHttp)) {
    throw new ConfigError(
      'INVALID_CONFIG',
      member,
      'must be an https URL; http is for loopback hosts, else insecureHttp',
    );
  }
}

/** @throws {ConfigError} the metadata is that of a client which is registered */
function requireNew(metadata: Partial<ClientMetadata>): void {
  const given = (['client_id', 'client_secret'] as const).find((member) => metadata[member] !== undefined);
  if (given !== undefined) {
    throw new ConfigError('INVALID_CONFIG', `client.${given}`, 'is given by the server to a client that registers');
  }
}

function requireToken(token: string | undefined, member: string): void {
  if (token !== undefined && !isVschars(token)) {
    throw new ConfigError('INVALID_CONFIG', member, 'must be printable ASCII and not empty');
  }
}
