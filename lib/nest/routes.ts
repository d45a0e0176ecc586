import { Inject, Injectable, UnsupportedMediaTypeException } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';

import { member, textMember } from '../values/member.js';
import { FORM_MEDIA_TYPE } from './form-body.js';

type HttpAdapter = HttpAdapterHost['httpAdapter'];

/** The paths that {@link Routes} serves, by adapter: each client of an application has its own `Routes`. */
const served = new WeakMap<HttpAdapter, Set<string>>();

/** The patterns of the routes that take bodies of any media type, by adapter. */
const takers = new WeakMap<HttpAdapter, string[]>();

/** Mounts routes of our own. No guard and no prefix of the application applies to them. */
@Injectable()
export class Routes {
  constructor(@Inject(HttpAdapterHost) private readonly host: HttpAdapterHost) {}

  /** Whether the application has an HTTP server. */
  get areServed(): boolean {
    return this.#adapter() !== undefined;
  }

  /**
   * Answers GET at a path with JSON. Nothing is served where there is no HTTP server.
   *
   * @param answer sets headers, and returns the body
   * @returns false: we already serve something else there
   */
  get(path: string, answer: (response: unknown) => object): boolean {
    const adapter = this.#adapter();
    if (adapter === undefined) {
      return true;
    }
    const paths = served.get(adapter) ?? new Set();
    if (paths.has(path)) {
      return false;
    }
    served.set(adapter, paths.add(path));
    adapter.get(path, (_request: unknown, response: unknown) => adapter.reply(response, answer(response), 200));
    return true;
  }

  /**
   * Makes Fastify hand a form to the route though the application has no parser for it (`bodyParser: false`); without,
   * it answers 415 before any guard. Express needs nothing.
   */
  acceptForms(): void {
    const instance: unknown = this.#adapter()?.getInstance();
    if (isFastify(instance) && !instance.hasContentTypeParser(FORM_MEDIA_TYPE)) {
      instance.addContentTypeParser(FORM_MEDIA_TYPE, (_request, _payload, done) => done(null, undefined));
    }
  }

  /** What stands at the end of a pattern for everything below a path. Express wants a name for it, Fastify has none. */
  get wildcard(): string {
    return isFastify(this.#adapter()?.getInstance()) ? '*' : '*below';
  }

  /**
   * Makes Fastify hand bodies of any media type to the routes at and below these paths, unread; without, it answers 415 to
   * those that the application has no parser for. Express needs nothing.
   */
  acceptBodies(paths: readonly string[]): void {
    const adapter = this.#adapter();
    const instance: unknown = adapter?.getInstance();
    if (adapter === undefined || !isFastify(instance)) {
      return;
    }
    const patterns = takers.get(adapter) ?? [];
    patterns.push(...paths.flatMap((path) => [path, `${path}/*`]));
    takers.set(adapter, patterns);
    if (instance.hasContentTypeParser('*')) {
      return;
    }
    instance.addContentTypeParser('*', (request, _payload, done) => {
      const url = textMember(member(request, 'routeOptions'), 'url');
      const isTaken = patterns.some((pattern) => url.endsWith(pattern));
      done(isTaken ? null : new UnsupportedMediaTypeException(), undefined);
    });
  }

  /** Without an HTTP server the adapter is null, though Nest's types do not say so. */
  #adapter(): HttpAdapter | undefined {
    const adapter: HttpAdapter | null | undefined = this.host.httpAdapter;
    return adapter ?? undefined;
  }
}

interface FastifyLike {
  hasContentTypeParser(type: string): boolean;
  addContentTypeParser(
    type: string,
    parser: (request: unknown, payload: unknown, done: (error: Error | null, body: undefined) => void) => void,
  ): void;
}

function isFastify(value: unknown): value is FastifyLike {
  return (
    typeof member(value, 'addContentTypeParser') === 'function' &&
    typeof member(value, 'hasContentTypeParser') === 'function'
  );
}
