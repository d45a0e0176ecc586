import type { ApplicationConfig, ModulesContainer } from '@nestjs/core';

import type { Routes } from '../nest/routes.js';
import { globalGuardsOf } from './applicable-guards.js';

/** The server of a microservice. Nest gives it the handlers, and then lets it listen. */
interface Server {
  addHandler(...handler: readonly unknown[]): unknown;
  listen(callback: (error?: unknown) => unknown): unknown;
}

/**
 * Checks the guards of a microservice's handlers before it listens. Lifecycle hooks don't fit: a microservice may start
 * before the application's own boot is over, or long after it.
 *
 * A standalone microservice (`createMicroservice`) has the global guards. One that is connected to an application
 * (`connectMicroservice`) has them only with `inheritAppConfig: true`, and then those from the time of the connection.
 */
export class Microservices {
  /** The server that is being connected. */
  #connecting: Server | undefined;
  /** The global guards that were read since then: for its handlers, or by other code. */
  #read: readonly unknown[] | undefined;
  readonly #inherited = new WeakMap<Server, readonly unknown[]>();

  constructor(
    private readonly application: ApplicationConfig,
    private readonly routes: Routes,
    /** @throws {ConfigError} a handler of messages is not protected by these global guards, nor by its own */
    private readonly check: (globalGuards: readonly unknown[]) => void,
  ) {}

  /** Checks every microservice of the application, also later ones. */
  watch(modules: ModulesContainer): void {
    this.#watchInheritance();
    modules.getRpcTargetRegistry<Server>().subscribe((server) => this.#checkBeforeListening(server));
  }

  /** Detects who inherits the global guards. Nest has no API for it, but reads the guards while it binds handlers. */
  #watchInheritance(): void {
    const { application } = this;
    const read = application.getGlobalGuards.bind(application);
    application.getGlobalGuards = () => {
      const guards = read();
      if (this.#connecting !== undefined) {
        this.#read = [...guards];
      }
      return guards;
    };
  }

  #checkBeforeListening(server: Server): void {
    this.#connecting = server;
    this.#read = undefined;
    this.#watchHandlers(server);
    // Handlers are bound before connectMicroservice returns. Handlers that are bound later (deferInitialization,
    // request-scoped) count as unguarded.
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

  /** Records the guards that were read before each handler. A read after the last handler is not this server's. */
  #watchHandlers(server: Server): void {
    const add = server.addHandler.bind(server);
    server.addHandler = (...handler) => {
      if (this.#connecting === server && this.#read !== undefined) {
        this.#inherited.set(server, this.#read);
      }
      return add(...handler);
    };
  }

  #globalGuardsOf(server: Server): readonly unknown[] {
    // With an HTTP server, every microservice is a connected one.
    return this.routes.areServed ? (this.#inherited.get(server) ?? []) : globalGuardsOf(this.application);
  }
}
