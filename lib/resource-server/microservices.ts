import type { ApplicationConfig, ModulesContainer } from '@nestjs/core';

import type { Routes } from '../nest/routes.js';

/** The server of a microservice, which Nest gives the handlers and then lets listen. */
interface Server {
  listen(callback: (error?: unknown) => unknown): unknown;
}

/**
 * Holds a microservice back from listening until the guards of its handlers are checked. It may be connected and started
 * before the application's own boot is over, or long after it: no lifecycle hook comes in time.
 *
 * A microservice of its own (`createMicroservice`) has the global guards. One that is connected to an application
 * (`connectMicroservice`) has them with `inheritAppConfig: true` only, and then those that were there when it was connected.
 */
export class Microservices {
  /** The one that is being connected. */
  #connecting: Server | undefined;
  readonly #inherited = new WeakMap<Server, readonly unknown[]>();

  constructor(
    modules: ModulesContainer,
    private readonly application: ApplicationConfig,
    private readonly routes: Routes,
    /** @throws {ConfigError} a handler of messages needs another guard than these global ones */
    private readonly check: (globalGuards: readonly unknown[]) => void,
  ) {
    this.#watchInheritance();
    modules.getRpcTargetRegistry<Server>().subscribe((server) => this.#holdBack(server));
  }

  /** Nest does not tell who inherits. While it binds the handlers of one that does, it asks this configuration for its guards. */
  #watchInheritance(): void {
    const { application } = this;
    const read = application.getGlobalGuards.bind(application);
    application.getGlobalGuards = () => {
      const guards = read();
      if (this.#connecting !== undefined) {
        this.#inherited.set(this.#connecting, [...guards]);
      }
      return guards;
    };
  }

  #holdBack(server: Server): void {
    this.#connecting = server;
    // Handlers are bound before connectMicroservice returns. What is bound later (deferInitialization, request-scoped
    // handlers) is taken for unguarded.
    queueMicrotask(() => {
      this.#connecting = this.#connecting === server ? undefined : this.#connecting;
    });
    const listen = server.listen.bind(server);
    server.listen = (callback) => {
      try {
        this.check(this.#globalGuardsOf(server));
      } catch (error) {
        return callback(error);
      }
      return listen(callback);
    };
  }

  #globalGuardsOf(server: Server): readonly unknown[] {
    return this.routes.areServed ? (this.#inherited.get(server) ?? []) : globalGuardsOf(this.application);
  }
}

/** The guards that stand before every route: instances, and the classes of those that are made for each request. */
export function globalGuardsOf(application: ApplicationConfig): readonly unknown[] {
  const perRequest = application.getGlobalRequestGuards().map(({ metatype }): unknown => metatype);
  return [...application.getGlobalGuards(), ...perRequest];
}
