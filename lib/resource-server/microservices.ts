import type { ApplicationConfig, ModulesContainer } from '@nestjs/core';

import type { Routes } from '../nest/routes.js';
import { globalGuardsOf } from './applicable-guards.js';

/** The server of a microservice. Nest gives it the handlers, and then lets it listen. */
interface Server {
  addHandler(...handler: readonly unknown[]): unknown;
  listen(callback: (error?: unknown) => unknown): unknown;
}

/**
 * Checks the guards of a microservice's handlers before it listens. No lifecycle hook comes in time: a microservice may be
 * connected and started before the application's own boot is over, or long after it.
 *
 * A microservice of its own (`createMicroservice`) has the global guards. One that is connected to an application
 * (`connectMicroservice`) has them with `inheritAppConfig: true` only, and then those that were there when it was connected.
 */
export class Microservices {
  /** The one that is being connected. */
  #connecting: Server | undefined;
  /** The guards that were read since then: of its handlers, or by somebody else. */
  #read: readonly unknown[] | undefined;
  readonly #inherited = new WeakMap<Server, readonly unknown[]>();

  constructor(
    private readonly application: ApplicationConfig,
    private readonly routes: Routes,
    /** @throws {ConfigError} a handler of messages is not protected by these global guards, nor by its own */
    private readonly check: (globalGuards: readonly unknown[]) => void,
  ) {}

  /** Has every microservice of the application checked, also those to come. */
  watch(modules: ModulesContainer): void {
    this.#watchInheritance();
    modules.getRpcTargetRegistry<Server>().subscribe((server) => this.#checkBeforeListening(server));
  }

  /** Nest does not tell who inherits. But while it binds the handlers of one that does, it reads the global guards. */
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

  /** Nest reads the guards of a handler and then adds it: guards that are read after the last one are not this server's. */
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
    // Beside an HTTP server it is a connected one.
    return this.routes.areServed ? (this.#inherited.get(server) ?? []) : globalGuardsOf(this.application);
  }
}
