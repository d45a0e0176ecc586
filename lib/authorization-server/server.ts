import type { Clock } from '../clock/clock.js';
import { ConfigError } from '../errors/errors.js';
import type { HttpRequest } from '../http/request.js';
import type { HttpResponse } from '../http/response.js';
import type { Transport } from '../http/transport.js';
import { isSymmetric } from '../jose/algorithms.js';
import type { DpopKey } from '../jose/dpop-key.js';
import { verifyJwt, type KeySource, type VerifiedJwt } from '../jose/jwt.js';
import type { Purpose } from '../jose/purpose.js';
import { RemoteKeys } from '../jose/remote-keys.js';
import { secretKey } from '../jose/secret-key.js';
import { discover, type Discovered, type DiscoverySource } from '../metadata/discovery.js';
import type { RegisteredClient } from '../metadata/registered-client.js';
import type { Endpoint, ServerMetadata } from '../metadata/server-metadata.js';
import { allowedAlgorithms, SIGNED_RESPONSES } from '../metadata/signed-response.js';
import { clientAuthentication, type ClientAuthentication } from './client-authentication.js';
import { DpopRequests } from './dpop-requests.js';
import { formEncode } from './form-encoding.js';

/** The endpoints at which the client authenticates, and the registered method and the published list of each. */
const AUTHENTICATED = {
  token_endpoint: { method: 'token_endpoint_auth_method', published: 'token_endpoint_auth_methods_supported' },
  introspection_endpoint: {
    method: 'introspection_endpoint_auth_method',
    published: 'introspection_endpoint_auth_methods_supported',
  },
  revocation_endpoint: {
    method: 'revocation_endpoint_auth_method',
    published: 'revocation_endpoint_auth_methods_supported',
  },
} as const;

type AuthenticatedEndpoint = keyof typeof AUTHENTICATED;

function isAuthenticated(endpoint: Endpoint): endpoint is AuthenticatedEndpoint {
  return endpoint in AUTHENTICATED;
}

/** An authorization server as one client of it sees it: what it publishes, how to call it, how to believe it. */
export class Server {
  readonly #discovered: Discovered;
  readonly #authentication: Readonly<Record<AuthenticatedEndpoint, ClientAuthentication>>;
  readonly #secretKey: KeySource | undefined;
  readonly #overrides: Partial<ServerMetadata>;
  readonly #showsCertificate: boolean;
  readonly #proven: DpopRequests;
  #keys: { readonly uri: string; readonly remote: RemoteKeys } | undefined;

  /** @param warn is told what an operator should know and no caller can act on */
  constructor(
    readonly client: RegisteredClient,
    source: DiscoverySource,
    readonly transport: Transport,
    readonly clock: Clock,
    private readonly warn: (problem: string) => void,
  ) {
    this.issuer = source.issuer;
    this.#overrides = source.overrides;
    this.#showsCertificate = showsCertificate(client);
    this.#discovered = discover(transport, source, clock.now);
    const authentication = (endpoint: AuthenticatedEndpoint) =>
      clientAuthentication(client.metadata[AUTHENTICATED[endpoint].method], { client, issuer: source.issuer, clock });
    this.#authentication = {
      token_endpoint: authentication('token_endpoint'),
      introspection_endpoint: authentication('introspection_endpoint'),
      revocation_endpoint: authentication('revocation_endpoint'),
    };
    this.#proven = new DpopRequests(transport, clock);
    const secret = client.metadata.client_secret;
    this.#secretKey = secret && secretKey(secret);
  }

  readonly issuer: string;

  /** What the server publishes; at once while it is fresh. */
  metadata(): ServerMetadata | Promise<ServerMetadata> {
    return this.#discovered.get();
  }

  /** The same, asked for now: a server that is down is found out. */
  refreshedMetadata(): ServerMetadata | Promise<ServerMetadata> {
    return this.#discovered.refresh();
  }

  /** @throws {ConfigError} as {@link urlOf} */
  async endpoint(endpoint: Endpoint): Promise<string> {
    return this.urlOf(endpoint, await this.metadata());
  }

  /**
   * Where an endpoint is called. What the application itself names stands above an alias; browsers show no certificate of
   * ours.
   *
   * @throws {ConfigError} the server publishes no such endpoint, or lists the methods that it takes there and the
   *   registered one is not among them; `none` needs no listing
   */
  urlOf(endpoint: Endpoint, metadata: ServerMetadata): string {
    const isOurs = endpoint !== 'authorization_endpoint' && endpoint !== 'end_session_endpoint';
    const alias = isOurs && this.#showsCertificate ? metadata.mtls_endpoint_aliases?.[endpoint] : undefined;
    const url = this.#overrides[endpoint] ?? alias ?? metadata[endpoint];
    if (url === undefined) {
      throw new ConfigError('ENDPOINT_MISSING', `server.${endpoint}`, 'is not published by the server');
    }
    if (isAuthenticated(endpoint)) {
      this.#requireMethod(endpoint, metadata);
    }
    return url;
  }

  /**
   * Posts a form as the client that is registered, with the method that is registered for this endpoint, and with a proof
   * of the key, where one is given.
   */
  async post(
    endpoint: AuthenticatedEndpoint,
    form: Readonly<Record<string, string>>,
    { accept, retry, key }: { accept: string; retry: HttpRequest['retry']; key?: DpopKey | undefined },
  ): Promise<HttpResponse> {
    const url = this.urlOf(endpoint, await this.metadata());
    const make = async (): Promise<HttpRequest> => {
      const credentials = await this.#authentication[endpoint]();
      return {
        method: 'POST',
        url,
        headers: { 'content-type': 'application/x-www-form-urlencoded', accept, ...credentials.headers },
        body: formEncode({ ...form, ...credentials.form }),
        retry,
      };
    };
    return key === undefined ? this.transport.request(await make()) : this.#proven.send(key, make);
  }

  /** Gets something with an access token, and with a proof of the key that it is bound to, if it is. */
  async get(url: string, accept: string, accessToken: string, key: DpopKey | undefined): Promise<HttpResponse> {
    const scheme = key === undefined ? 'Bearer' : 'DPoP';
    const headers = { accept, authorization: `${scheme} ${accessToken}` };
    const request: HttpRequest = { method: 'GET', url, headers, retry: 'idempotent' };
    return key === undefined ? this.transport.request(request) : this.#proven.send(key, () => request, accessToken);
  }

  /** Verifies a JWT that came from one of the server's own endpoints. */
  async verify(
    response: keyof typeof SIGNED_RESPONSES,
    jwt: string,
    purpose: Purpose,
    audience: readonly string[],
  ): Promise<VerifiedJwt> {
    const metadata = await this.metadata();
    return verifyJwt(jwt, purpose, {
      issuer: this.issuer,
      audience,
      algorithms: allowedAlgorithms(SIGNED_RESPONSES[response], this.client.metadata, metadata),
      clock: this.clock,
      keys: ({ alg }) => (isSymmetric(alg) ? this.#shared() : this.#published(metadata).from('provider')),
    });
  }

  /** The server's keys for JWTs that anybody can hand us. */
  async strangersKeys(): Promise<KeySource> {
    return this.#published(await this.metadata()).from('stranger');
  }

  /** The next verification fetches the keys anew. */
  forgetKeys(): void {
    this.#keys = undefined;
  }

  /** Servers list how clients authenticate; that public clients don't, many leave out. */
  #requireMethod(endpoint: AuthenticatedEndpoint, metadata: ServerMetadata): void {
    const { method, published } = AUTHENTICATED[endpoint];
    const registered = this.client.metadata[method];
    if (registered !== 'none' && metadata[published]?.includes(registered) === false) {
      throw new ConfigError('AUTH_METHOD_UNSUPPORTED', `client.${method}`, 'is not among the methods of the server');
    }
  }

  #published({ jwks_uri: uri }: ServerMetadata): RemoteKeys {
    if (uri === undefined) {
      throw new ConfigError('NO_JWKS_URI', 'server.jwks_uri', 'is not published, and a signature has to be verified');
    }
    if (this.#keys?.uri !== uri) {
      this.#keys = { uri, remote: new RemoteKeys(this.transport, uri, this.clock.now, this.warn) };
    }
    return this.#keys.remote;
  }

  #shared(): KeySource {
    if (this.#secretKey === undefined) {
      throw new ConfigError('INVALID_CONFIG', 'client.client_secret', 'is required by the registered algorithm');
    }
    return this.#secretKey;
  }
}

/** RFC 8705, section 5: who shows a certificate calls the aliases, where there are any. */
function showsCertificate({ metadata }: RegisteredClient): boolean {
  const methods = Object.values(AUTHENTICATED).map(({ method }) => metadata[method]);
  return (
    metadata.use_mtls_endpoint_aliases === true ||
    metadata.tls_client_certificate_bound_access_tokens === true ||
    methods.includes('tls_client_auth') ||
    methods.includes('self_signed_tls_client_auth')
  );
}
