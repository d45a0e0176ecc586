import { Inject, Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';

import type { Server } from '../authorization-server/server.js';
import { isWithin } from '../clock/clock.js';
import { ConfigError } from '../errors/errors.js';
import { optionsToken, serverToken } from '../nest/tokens.js';
import { clientHealth } from './client-health.js';
import type { ParsedOptions } from './oidc.options.js';

/** Milliseconds that a result is kept: whoever may ask for health must not be able to flood the provider. */
const LIFETIME = 5000;

interface Kept {
  readonly at: number;
  readonly health: ReturnType<typeof clientHealth>;
}

/**
 * Health of a client, for `@nestjs/terminus` 11 and 12: whether the provider is reachable, its keys and the store are
 * there, and the circuit breaker's state.
 *
 * ```ts
 * import { HealthCheck, HealthCheckService } from '@nestjs/terminus';
 * import { OidcHealthIndicator } from 'nestjs-oidc/terminus';
 *
 * @Controller('health')
 * export class HealthController {
 *   constructor(
 *     private readonly health: HealthCheckService,
 *     private readonly oidc: OidcHealthIndicator,
 *   ) {}
 *
 *   @Get()
 *   @Public()
 *   @HealthCheck()
 *   check() {
 *     return this.health.check([() => this.oidc.isHealthy('oidc')]);
 *   }
 * }
 * ```
 *
 * It is a provider of the module that has the controller. The result has states and codes, never the text of an error.
 * The provider is asked once in 5 seconds at most.
 */
@Injectable()
export class OidcHealthIndicator {
  readonly #kept = new Map<string | undefined, Kept>();

  constructor(
    @Inject(ModuleRef) private readonly modules: ModuleRef,
    @Inject(HealthIndicatorService) private readonly indicators: HealthIndicatorService,
  ) {}

  /**
   * Checks a client's provider and store.
   *
   * ```ts
   * import { OidcHealthIndicator } from 'nestjs-oidc/terminus';
   *
   * const check = (health: OidcHealthIndicator) => health.isHealthy('partners', { client: 'partners' });
   * ```
   *
   * `down`: nothing can be served. `degraded`: something is wrong, and `serves` names what still works; Terminus 11 has no such
   * status, so that it is `up` there, with `degraded: true`.
   *
   * @param key the member of the result
   * @param options `client`: the name of the client; left out: the one without a name
   * @throws {ConfigError} there is no such client
   */
  async isHealthy<const Key extends string>(
    key: Key,
    { client }: { readonly client?: string } = {},
  ): Promise<HealthIndicatorResult<Key>> {
    const { status, details } = await this.#healthOf(client);
    const session = this.indicators.check(key);
    if (status === 'down') {
      return session.down({ ...details });
    }
    // Terminus 11 knows `up` and `down` only.
    const isAsUp = status === 'up' || !('degraded' in session);
    return isAsUp
      ? session.up({ ...(status !== 'up' && { degraded: true }), ...details })
      : session.degraded({ ...details });
  }

  #healthOf(client: string | undefined): Kept['health'] {
    const server = this.#serverOf(client);
    const now = server.clock.now();
    const kept = this.#kept.get(client);
    if (kept !== undefined && isWithin(now, kept.at, LIFETIME)) {
      return kept.health;
    }
    const options = this.modules.get<ParsedOptions>(optionsToken(client), { strict: false });
    const health = clientHealth(server, options);
    this.#kept.set(client, { at: now, health });
    return health;
  }

  #serverOf(client: string | undefined): Server {
    try {
      return this.modules.get<Server>(serverToken(client), { strict: false });
    } catch (cause) {
      const problem = client === undefined ? 'no client is without a name' : `no client is named ${client}`;
      throw new ConfigError('INVALID_CONFIG', 'client', problem, { cause });
    }
  }
}
