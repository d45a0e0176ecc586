import type { OnModuleInit } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';

import { ConfigError } from '../errors/errors.js';
import type { Responses } from '../nest/responses.js';
import type { Routes } from '../nest/routes.js';
import { handlersOf } from './handlers.js';
import type { ResourceServer } from './resource-server.js';

const WELL_KNOWN = '/.well-known/oauth-protected-resource';

/** The URL of the protected resource metadata: between host and path of the resource (RFC 9728, section 3.1). */
export function resourceMetadataUrl(resource: string): string {
  return new URL(resource).origin + metadataPath(resource);
}

function metadataPath(resource: string): string {
  const { pathname } = new URL(resource);
  return WELL_KNOWN + (pathname === '/' ? '' : pathname);
}

/**
 * Serves the protected resource metadata (RFC 9728), if `resource` is set: the API's issuers, the scopes of its routes, and
 * how tokens must be bound. Guards and prefixes of the application do not apply to it.
 */
export class ProtectedResource implements OnModuleInit {
  constructor(
    private readonly server: ResourceServer | undefined,
    private readonly modules: ModulesContainer,
    private readonly routes: Routes,
    private readonly responses: Responses,
  ) {}

  /** @throws {ConfigError} another client's API serves its metadata at the same path */
  onModuleInit(): void {
    const { server } = this;
    const resource = server?.settings.resource;
    if (server === undefined || resource === undefined) {
      return;
    }
    const path = metadataPath(resource);
    const isServed = this.routes.get(path, (response) => {
      this.responses.setHeader(response, 'Cache-Control', 'public, max-age=3600');
      return this.#metadata(server, resource);
    });
    if (!isServed) {
      throw new ConfigError('INVALID_CONFIG', 'resourceServer.resource', `has its metadata at ${path}, as another one`);
    }
  }

  /** The metadata (RFC 9728, section 2). */
  #metadata(
    { settings, issuers, senderConstraint: senders }: ResourceServer,
    resource: string,
  ): Readonly<Record<string, unknown>> {
    const scopes = [...handlersOf(this.modules)].flatMap(({ rule }) => rule.scopes);
    return {
      ...settings.metadata,
      resource,
      authorization_servers: issuers,
      scopes_supported: [...new Set(scopes)].toSorted(),
      bearer_methods_supported: senders.offered.includes('Bearer') ? ['header'] : [],
      ...(settings.dpop && {
        dpop_signing_alg_values_supported: senders.algorithms,
        dpop_bound_access_tokens_required: settings.dpop.required,
      }),
      ...(settings.mtls && { tls_client_certificate_bound_access_tokens: true }),
    };
  }
}
