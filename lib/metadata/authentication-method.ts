import { isSymmetric, signsWithKey } from '../jose/algorithms.js';

/** A way for the client to prove who it is. */
export interface AuthenticationMethod {
  /** What the client has to have. A certificate is the dispatcher's to show: the registration has none. */
  readonly needs: 'secret' | 'key' | 'certificate' | 'nothing';
  /** The algorithms that fit, where the method signs a JWT (RFC 7523, section 2.2). */
  readonly fits?: (alg: string) => boolean;
}

/** Client authentication methods (OpenID Connect Core 1.0, section 9; RFC 8705, section 2). */
export const AUTHENTICATION_METHODS = {
  client_secret_basic: { needs: 'secret' },
  client_secret_post: { needs: 'secret' },
  client_secret_jwt: { needs: 'secret', fits: isSymmetric },
  private_key_jwt: { needs: 'key', fits: signsWithKey },
  tls_client_auth: { needs: 'certificate' },
  self_signed_tls_client_auth: { needs: 'certificate' },
  none: { needs: 'nothing' },
} as const satisfies Record<string, AuthenticationMethod>;

/** How the client proves who it is at an endpoint (OpenID Connect Core 1.0, section 9). */
export type ClientAuthenticationMethod = keyof typeof AUTHENTICATION_METHODS;

export const METHOD_NAMES: readonly ClientAuthenticationMethod[] = Object.keys(AUTHENTICATION_METHODS).filter(isMethod);

function isMethod(name: string): name is ClientAuthenticationMethod {
  return Object.hasOwn(AUTHENTICATION_METHODS, name);
}

/** The client metadata member that sets the method of an endpoint, and the server metadata member that lists its methods. */
interface MethodMembers {
  readonly registered: string;
  readonly published: string;
}

const TOKEN_ENDPOINT = {
  registered: 'token_endpoint_auth_method',
  published: 'token_endpoint_auth_methods_supported',
} as const;

/**
 * Authenticated endpoints: those at which the client proves who it is.
 *
 * The metadata types, their schemas, the checks and the requests read this table. `token_endpoint_auth_method` is the
 * default of the other members.
 */
export const AUTHENTICATED_ENDPOINTS = {
  token_endpoint: TOKEN_ENDPOINT,
  introspection_endpoint: {
    registered: 'introspection_endpoint_auth_method',
    published: 'introspection_endpoint_auth_methods_supported',
  },
  revocation_endpoint: {
    registered: 'revocation_endpoint_auth_method',
    published: 'revocation_endpoint_auth_methods_supported',
  },
  // RFC 8628, section 3.1; RFC 9126, section 2; CIBA Core 1.0, section 7.1: as at the token endpoint.
  device_authorization_endpoint: TOKEN_ENDPOINT,
  pushed_authorization_request_endpoint: TOKEN_ENDPOINT,
  backchannel_authentication_endpoint: TOKEN_ENDPOINT,
} as const satisfies Record<string, MethodMembers>;

type Endpoints = typeof AUTHENTICATED_ENDPOINTS;

export type AuthenticatedEndpoint = keyof Endpoints;

export function isAuthenticated(endpoint: string): endpoint is AuthenticatedEndpoint {
  return Object.hasOwn(AUTHENTICATED_ENDPOINTS, endpoint);
}

const members = [...new Set(Object.values(AUTHENTICATED_ENDPOINTS))];

/** The client metadata members that hold a method. */
export const METHOD_MEMBERS = members.map(({ registered }) => registered);

/** The server metadata members that list methods. */
export const METHOD_LISTS = members.map(({ published }) => published);

/** The client metadata members that say how the client authenticates. */
export type RegisteredMethods = {
  readonly [member in Endpoints[AuthenticatedEndpoint]['registered']]?: ClientAuthenticationMethod | undefined;
};

/** The server metadata members that list how clients may authenticate. */
export type PublishedMethods = {
  readonly [member in Endpoints[AuthenticatedEndpoint]['published']]?: readonly string[] | undefined;
};
