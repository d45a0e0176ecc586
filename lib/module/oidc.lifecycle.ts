import { Logger, Scope, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { ModuleRef } from '@nestjs/core';

import type { OidcClient } from '../client/oidc-client.js';
import { ConfigError } from '../errors/errors.js';
import { logLine } from '../errors/log-line.js';
import { OidcError } from '../errors/oidc.error.js';
import type { Connections } from '../http/connections.js';
import { clientToken } from '../nest/tokens.js';
import type { ParsedOptions } from './oidc.options.js';

const logger = new Logger('OidcModule');

/** What an operator should know and no caller can act on. */
export function warn(problem: string): void {
  logger.warn(problem);
}

/** What happens to one client when the application starts and stops. */
export class OidcLifecycle implements OnModuleInit, OnApplicationShutdown {
  constructor(
    private readonly moduleRef: ModuleRef,
    private readonly name: string | undefined,
    private readonly options: ParsedOptions,
    private readonly connections: Connections,
  ) {}

  /** @throws {ConfigError} something that the client is made of exists only within a request */
  async onModuleInit(): Promise<void> {
    const token = clientToken(this.name);
    if (this.moduleRef.introspect(token).scope !== Scope.DEFAULT) {
      throw new ConfigError('INVALID_CONFIG', 'providers', 'of the clock or the dispatcher must not be request-scoped');
    }
    const client = this.moduleRef.get<OidcClient>(token);
    if (this.options.discovery.when === 'boot') {
      await client.ready().catch(tellAndThrow);
    }
    logger.log(describe(client));
  }

  onApplicationShutdown(): Promise<void> {
    return this.connections.close();
  }
}

/** Nest prints the sentence of what stops a boot, and not what was seen. */
function tellAndThrow(error: unknown): never {
  if (error instanceof OidcError) {
    logger.error(logLine(error));
  }
  throw error;
}

/** Issuer, client and what was registered: one line, no secret. */
function describe({ name, issuer, metadata }: OidcClient): string {
  const signed = Object.entries(metadata).filter(([member]) => member.endsWith('_signed_response_alg'));
  const registered = [['token_endpoint_auth_method', metadata.token_endpoint_auth_method], ...signed];
  const client = name === undefined ? metadata.client_id : `${metadata.client_id} (${name})`;
  return `Client ${client} of ${issuer}: ${registered.map(([member, value]) => `${String(member)} ${String(value)}`).join(', ')}`;
}
