import type { ModulesContainer } from '@nestjs/core';
import type { OpenAPIObject } from '@nestjs/swagger';

import { OidcClient } from '../client/oidc-client.js';
import { OidcError } from '../errors/oidc.error.js';
import { wellKnownUrls } from '../metadata/discovery.js';
import type { ServerMetadata } from '../metadata/server-metadata.js';
import type { Credential } from '../nest/authenticating-guard.js';
import { CookieProfile } from '../nest/cookies.js';
import { clientTokenOf } from '../nest/named-guard.js';
import { anyGuardToken, clientSessionsToken, optionsToken, resourceServerToken } from '../nest/tokens.js';
import { sessionCookieNames } from '../session/keepers/session-cookies.js';
import type { ParsedOptions } from './oidc.options.js';

type SecuritySchemes = NonNullable<NonNullable<OpenAPIObject['components']>['securitySchemes']>;

/** A security scheme of an OpenAPI document. */
export type SecurityScheme = SecuritySchemes[string];

/** A client of the application, with what documents need of it. */
export interface DocumentedClient {
  readonly client: OidcClient;
  readonly options: ParsedOptions;
}

/** The application's clients. */
export function clientsOf(
  modules: ModulesContainer,
  get: (token: string) => ParsedOptions,
): readonly DocumentedClient[] {
  const instances = [...modules.values()]
    .flatMap(({ providers }) => [...providers.values()])
    .map(({ instance }): unknown => instance)
    .filter((instance) => instance instanceof OidcClient);
  return [...new Set(instances)].map((client) => ({ client, options: get(optionsToken(client.name)) }));
}

/** The client whose guard it is. */
export function clientOfGuard(guard: unknown, clients: readonly DocumentedClient[]): DocumentedClient | undefined {
  const token = clientTokenOf(guard);
  return clients.find(({ client: { name } }) =>
    token === undefined
      ? name === undefined
      : [resourceServerToken(name), clientSessionsToken(name), anyGuardToken(name)].includes(token),
  );
}

/** The name of the scheme for a client's credential: `oidc`, `oidc-partners`, `session`. */
export function schemeName({ client: { name } }: DocumentedClient, credential: Credential): string {
  const base = credential === 'session' ? 'session' : 'oidc';
  return name === undefined ? base : `${base}-${name}`;
}

/** The scheme of a session: its cookie. */
export function sessionScheme({ client, options }: DocumentedClient): SecurityScheme {
  const [uri] = client.metadata.redirect_uris ?? [];
  const profile = new CookieProfile(uri?.startsWith('https:') === true, client.name).with(
    options.session?.cookie ?? {},
  );
  const [name = ''] = sessionCookieNames(profile);
  return { type: 'apiKey', in: 'cookie', name, description: 'The session of a browser that has signed in.' };
}

/**
 * The scheme of access tokens: OAuth 2.0 with the published endpoints. Swagger UI logs in with it and needs no more of the
 * server. The scheme `openIdConnect` stands in where the server can't be asked: for that a browser has to be allowed to read
 * the server's metadata, and is offered every grant of the server.
 */
export async function tokenScheme(documented: DocumentedClient, scopes: readonly string[]): Promise<SecurityScheme> {
  const metadata = await metadataOf(documented.client);
  const flows = metadata && flowsOf(metadata, Object.fromEntries([...scopes].sort().map((scope) => [scope, ''])));
  if (flows !== undefined && Object.keys(flows).length > 0) {
    return { type: 'oauth2', flows };
  }
  const { issuer, discovery } = documented.options;
  // Not `discovery.url`: it may be an internal address, or have a key in its query, and everybody reads the document.
  const [openIdConnectUrl = issuer] = wellKnownUrls(issuer, discovery.document);
  return { type: 'openIdConnect', openIdConnectUrl };
}

async function metadataOf(client: OidcClient): Promise<ServerMetadata | undefined> {
  try {
    return await client.serverMetadata();
  } catch (error) {
    // A document can be written though the server is down.
    if (error instanceof OidcError) {
      return undefined;
    }
    throw error;
  }
}

function flowsOf(
  { authorization_endpoint: authorizationUrl, token_endpoint: tokenUrl, grant_types_supported: grants }: ServerMetadata,
  scopes: Readonly<Record<string, string>>,
): object {
  if (tokenUrl === undefined) {
    return {};
  }
  return {
    ...(authorizationUrl !== undefined && { authorizationCode: { authorizationUrl, tokenUrl, scopes } }),
    ...(Array.isArray(grants) && grants.includes('client_credentials') && { clientCredentials: { tokenUrl, scopes } }),
  };
}
