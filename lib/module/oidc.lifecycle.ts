import { Scope, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { ModuleRef } from '@nestjs/core';

import type { OidcClient } from '../client/oidc-client.js';
import type { AcquiredProvider } from '../development/running-servers.js';
import { ConfigError } from '../errors/errors.js';
import { OidcError } from '../errors/oidc.error.js';
import type { OperatorEvent, OperatorPort } from '../events/operator-events.js';
import type { Connections } from '../http/connections.js';
import { registeredAlgorithms, SIGNED_ANSWERS } from '../metadata/protected-answer.js';
import { clientToken } from '../nest/tokens.js';
import type { ParsedOptions } from './oidc.options.js';

/** What is closed at shutdown. */
interface Resources {
  readonly connections: Connections;
  readonly development: AcquiredProvider | undefined;
}

/** Lifecycle hooks of one client: checks it at boot and closes its connections at shutdown. */
export class OidcLifecycle implements OnModuleInit, OnApplicationShutdown {
  constructor(
    private readonly moduleRef: ModuleRef,
    private readonly name: string | undefined,
    private readonly options: ParsedOptions,
    private readonly resources: Resources,
    private readonly operator: OperatorPort,
  ) {}

  /** @throws {ConfigError} a provider of the client is request-scoped */
  async onModuleInit(): Promise<void> {
    const token = clientToken(this.name);
    if (this.moduleRef.introspect(token).scope !== Scope.DEFAULT) {
      throw new ConfigError('INVALID_CONFIG', 'providers', 'of the clock or the dispatcher must not be request-scoped');
    }
    const client = this.moduleRef.get<OidcClient>(token);
    if (this.options.discovery.when === 'boot') {
      await client.ready().catch((error: unknown) => this.#reportAndThrow(error));
    }
    this.operator.report({ kind: 'client-started', ...described(client) });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.resources.connections.close();
    await this.resources.development?.release();
  }

  #reportAndThrow(error: unknown): never {
    if (error instanceof OidcError) {
      this.operator.report({ kind: 'boot-failed', error });
    }
    throw error;
  }
}

/** The client, its issuer and what was registered, without a secret. */
function described({ name, issuer, metadata }: OidcClient): Omit<OperatorEvent<'client-started'>, 'kind'> {
  const { client_id, token_endpoint_auth_method } = metadata;
  const registered: Record<string, string> = { token_endpoint_auth_method };
  for (const { registered: member, name: alg } of SIGNED_ANSWERS.flatMap((answer) =>
    registeredAlgorithms(answer, metadata),
  )) {
    registered[member] = alg;
  }
  return { name, issuer, client_id, registered };
}
