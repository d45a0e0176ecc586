import type { Clock } from '../clock/clock.js';
import { ConfigError } from '../errors/errors.js';
import type { OperatorPort } from '../events/operator-events.js';
import type { HttpRequest } from '../http/request.js';
import type { HttpResponse } from '../http/response.js';
import type { Transport } from '../http/transport.js';
import type { DpopKey } from '../jose/dpop-key.js';
import {
  AUTHENTICATED_ENDPOINTS,
  AUTHENTICATION_METHODS,
  METHOD_MEMBERS,
  type AuthenticatedEndpoint,
  type ClientAuthenticationMethod,
} from '../metadata/authentication-method.js';
import type { DiscoverySource } from '../metadata/discovery.js';
import { throwFirst, toError, type Finding } from '../metadata/finding.js';
import type { RegisteredClient } from '../metadata/registered-client.js';
import { algorithmFindings, methodFindings, missingEndpoint, pkceFindings } from '../metadata/server-findings.js';
import { serverRequestFindings } from '../metadata/request-object-findings.js';
import type { Endpoint, ServerMetadata } from '../metadata/server-metadata.js';
import type { JsonObject } from '../values/json.js';
import { clientAuthentication, type ClientAuthentication, type Credentials } from './client-authentication.js';
import { DpopNonces } from './dpop-nonces.js';
import { DpopRequests } from './dpop-requests.js';
import { formEncode, type FormParameters } from './form-encoding.js';
import { isClientRefused } from './oauth-response.js';
import { PublishedServer } from './published-server.js';
import { ServerAnswers } from './server-answers.js';

/** How a form is posted. */
interface PostOptions {
  readonly accept: string;
  readonly retry: HttpRequest['retry'];
  /** Where given, the request carries a DPoP proof of it. */
  readonly key?: DpopKey | undefined;
  /** What the form says, where that stands in a JWT: errors of the answer repeat no secret of it. */
  readonly said?: JsonObject;
}

/** An authorization server for one registered client: metadata, keys, and the endpoints, called as that client. */
export class Server extends PublishedServer {
  /** One client authentication for each method, made at the first call that needs it. */
  readonly #authentication = new Map<ClientAuthenticationMethod, ClientAuthentication>();
  readonly #overrides: Partial<ServerMetadata>;
  readonly #showsCertificate: boolean;
  /** Whether plain http is allowed everywhere. */
  readonly insecureHttp: boolean;
  readonly answers: ServerAnswers;
  /** Those of this server, and of the APIs that its tokens are sent to. */
  readonly nonces = new DpopNonces();
  readonly #proven: DpopRequests;
  /** Why the client can't introspect; undefined: it can. */
  readonly #cannotIntrospect: RegisteredClient['cannotIntrospect'];
  readonly #used = new Set<Endpoint>();
  readonly #needed = new Set<Endpoint>();
  #needsPkce = false;

  constructor(
    readonly client: RegisteredClient,
    source: DiscoverySource,
    transport: Transport,
    clock: Clock,
    operator: OperatorPort,
  ) {
    super(source, transport, clock, operator);
    this.insecureHttp = source.insecureHttp;
    this.#overrides = source.overrides;
    this.#showsCertificate = showsCertificate(client);
    this.#proven = new DpopRequests(transport, clock, this.nonces);
    this.answers = new ServerAnswers(this, client);
    // An endpoint that takes anybody is believed to be one where both sides of it are written out.
    const takesAnybody = client.cannotIntrospect?.isIntended && source.overrides.introspection_endpoint !== undefined;
    this.#cannotIntrospect = takesAnybody ? undefined : client.cannotIntrospect;
    client.warnings.forEach((problem) => operator.report({ kind: 'suspicious-metadata', problem }));
    if (takesAnybody) {
      operator.report({ kind: 'open-introspection' });
    }
  }

  /** Whether the client can authenticate at the introspection endpoint. */
  get canIntrospect(): boolean {
    return this.#cannotIntrospect === undefined;
  }

  /**
   * Says at boot which endpoints will be called, so that {@link findings} can miss them early.
   *
   * @throws {ConfigError} one of them takes no client that authenticates with nothing, as this one does
   */
  needs(...endpoints: readonly Endpoint[]): void {
    this.uses(...endpoints);
    endpoints.forEach((endpoint) => this.#needed.add(endpoint));
  }

  /** As {@link needs}, but the server may be one that has no such endpoint. */
  uses(...endpoints: readonly Endpoint[]): void {
    if (this.#cannotIntrospect !== undefined && endpoints.includes('introspection_endpoint')) {
      const { member, problem } = this.#cannotIntrospect;
      throw new ConfigError('INVALID_CONFIG', member, problem);
    }
    endpoints.forEach((endpoint) => this.#used.add(endpoint));
  }

  /** Says at boot that logins depend on PKCE, so that {@link findings} can miss it early. */
  needsPkce(): void {
    this.#needsPkce = true;
  }

  /**
   * Checks the registration against the server's metadata, which is fetched now unless it is given.
   *
   * @returns all that keeps the client from working with the server
   */
  async findings(fetched = this.refreshedMetadata()): Promise<readonly Finding[]> {
    const metadata = await fetched;
    return [
      ...algorithmFindings(this.client.metadata, metadata),
      ...(this.#used.has('authorization_endpoint') ? serverRequestFindings(this.client, metadata) : []),
      ...(this.#needsPkce ? pkceFindings(metadata) : []),
      ...[...this.#used].flatMap((endpoint) => this.#endpointFindings(endpoint, metadata)),
    ];
  }

  /**
   * The URL of an endpoint, of the metadata as it is now.
   *
   * @throws {ConfigError} as {@link urlOf}
   */
  async endpoint(endpoint: Endpoint): Promise<string> {
    return this.urlOf(endpoint, await this.metadata());
  }

  /**
   * The URL of an endpoint.
   *
   * @throws {ConfigError} the server publishes no such endpoint, or lists the methods that it takes there and the
   *   registered one is not among them
   */
  urlOf(endpoint: Endpoint, metadata: ServerMetadata): string {
    const url = this.#addressOf(endpoint, metadata);
    if (url === undefined) {
      throw toError(missingEndpoint(endpoint));
    }
    throwFirst(methodFindings(endpoint, this.client.metadata, metadata));
    return url;
  }

  /**
   * Posts a form as the registered client, with the authentication method of this endpoint. Where the server refuses the
   * secret and the application's function has another one, the request is sent once more.
   */
  async post(
    endpoint: AuthenticatedEndpoint,
    form: FormParameters,
    { accept, retry, key, said }: PostOptions,
  ): Promise<HttpResponse> {
    const url = this.urlOf(endpoint, await this.metadata());
    let sent: Credentials | undefined;
    const make = async (): Promise<HttpRequest> => {
      const credentials = await this.#authenticationAt(endpoint)();
      sent = credentials;
      return {
        method: 'POST',
        url,
        endpoint,
        headers: { 'content-type': 'application/x-www-form-urlencoded', accept, ...credentials.headers },
        body: formEncode({ ...form, ...credentials.form }),
        said,
        retry,
      };
    };
    const send = async (): Promise<HttpResponse> =>
      key === undefined ? this.transport.request(await make()) : this.#proven.send({ key, url }, make);
    const response = await send();
    return (await this.#hasOtherSecret(response, sent)) ? send() : response;
  }

  /**
   * Gets userinfo with an access token.
   *
   * @param key the key that the token is bound to. Undefined: it is a bearer token
   */
  async get(url: string, accept: string, accessToken: string, key: DpopKey | undefined): Promise<HttpResponse> {
    const scheme = key === undefined ? 'Bearer' : 'DPoP';
    const headers = { accept, authorization: `${scheme} ${accessToken}` };
    const endpoint = 'userinfo_endpoint';
    const request: HttpRequest = { method: 'GET', url, endpoint, headers, retry: 'idempotent' };
    return key === undefined
      ? this.transport.request(request)
      : this.#proven.send({ key, url, accessToken }, () => request);
  }

  #endpointFindings(endpoint: Endpoint, metadata: ServerMetadata): readonly Finding[] {
    if (this.#addressOf(endpoint, metadata) === undefined) {
      return this.#needed.has(endpoint) ? [missingEndpoint(endpoint)] : [];
    }
    return methodFindings(endpoint, this.client.metadata, metadata);
  }

  async #hasOtherSecret(response: HttpResponse, sent: Credentials | undefined): Promise<boolean> {
    const { renewableSecret } = this.client;
    return (
      renewableSecret !== undefined &&
      sent?.renewable !== undefined &&
      isClientRefused(response) &&
      renewableSecret.hasOther(sent.renewable, this.clock.now())
    );
  }

  /** The URL of an endpoint: an override, else the alias for certificates, else the published one. Browsers get no alias. */
  #addressOf(endpoint: Endpoint, metadata: ServerMetadata): string | undefined {
    const isOurs = endpoint !== 'authorization_endpoint' && endpoint !== 'end_session_endpoint';
    const alias = isOurs && this.#showsCertificate ? metadata.mtls_endpoint_aliases?.[endpoint] : undefined;
    return this.#overrides[endpoint] ?? alias ?? metadata[endpoint];
  }

  #authenticationAt(endpoint: AuthenticatedEndpoint): ClientAuthentication {
    const { client, issuer, clock } = this;
    const method = client.metadata[AUTHENTICATED_ENDPOINTS[endpoint].registered];
    const known = this.#authentication.get(method);
    if (known !== undefined) {
      return known;
    }
    const made = clientAuthentication(method, { client, issuer, clock });
    this.#authentication.set(method, made);
    return made;
  }
}

/** Whether the endpoints for certificates are called (RFC 8705, section 5). */
function showsCertificate({ metadata }: RegisteredClient): boolean {
  return (
    metadata.use_mtls_endpoint_aliases === true ||
    metadata.tls_client_certificate_bound_access_tokens === true ||
    METHOD_MEMBERS.some((member) => AUTHENTICATION_METHODS[metadata[member]].needs === 'certificate')
  );
}
