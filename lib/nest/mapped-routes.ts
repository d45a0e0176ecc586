import {
  Inject,
  Injectable,
  RequestMethod,
  VERSION_NEUTRAL,
  VersioningType,
  type ControllerOptions,
  type VersioningOptions,
} from '@nestjs/common';
import { METHOD_METADATA, MODULE_PATH, PATH_METADATA, VERSION_METADATA } from '@nestjs/common/constants.js';
import { ApplicationConfig, HttpAdapterHost, MetadataScanner, ModulesContainer } from '@nestjs/core';
import { RoutePathFactory } from '@nestjs/core/router/route-path-factory.js';

import { member } from '../values/member.js';
import { guardsOn } from './authenticating-guard.js';
import { isMounted, type Target } from './native-routes.js';

type RoutePathMetadata = Parameters<RoutePathFactory['create']>[0];

// oxlint-disable-next-line typescript/no-unsafe-function-type -- what Nest's containers hold
type Class = Function;

/** A route of a controller, as Nest maps it. */
export interface MappedRoute {
  /** Such as `AuthController.callback`. */
  readonly name: string;
  /** Such as `GET`; `ALL` is each of them. */
  readonly method: string;
  /** With global prefix, path of the module and version. */
  readonly paths: readonly string[];
  readonly handler: Class;
  readonly controller: Class;
  /** Of the handler and its class, as classes or instances. */
  readonly guards: readonly unknown[];
  /** Whether a browser reaches it, which asks for no version in a header. */
  readonly isReachable: boolean;
}

/** The routes of an application's controllers. They are known when the application starts. */
@Injectable()
export class MappedRoutes {
  constructor(
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Inject(ApplicationConfig) private readonly application: ApplicationConfig,
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
  ) {}

  /** Whether there is an HTTP server: a test or a microservice may have none. */
  get areServed(): boolean {
    return Boolean(this.#framework());
  }

  list(): readonly MappedRoute[] {
    return [...this.modules.values()].flatMap(({ controllers, metatype: module }) =>
      [...controllers.values()].flatMap(({ metatype }) =>
        typeof metatype === 'function' ? this.#routesOf(metatype, module) : [],
      ),
    );
  }

  /** The first path of a controller's method; undefined where it is no route. */
  pathOf(controller: Class, method: string): string | undefined {
    for (const module of this.modules.values()) {
      if ([...module.controllers.values()].some(({ metatype }) => metatype === controller)) {
        const name = `${controller.name}.${method}`;
        return this.#routesOf(controller, module.metatype).find((route) => route.name === name)?.paths[0];
      }
    }
    return undefined;
  }

  #routesOf(controller: Class, module: Class): readonly MappedRoute[] {
    return new MetadataScanner().getAllMethodNames(controller.prototype).flatMap((name) => {
      const handler: unknown = member(controller.prototype, name);
      return typeof handler === 'function' && Reflect.hasMetadata(PATH_METADATA, handler)
        ? this.#routeOf(handler, controller, module)
        : [];
    });
  }

  #routeOf(handler: Class, controller: Class, module: Class): MappedRoute {
    const versioning = this.application.getVersioning();
    const version = versioning && versionOf(handler, controller, versioning);
    const requestMethod: RequestMethod = Reflect.getMetadata(METHOD_METADATA, handler) ?? RequestMethod.GET;
    const modulePath = this.#modulePath(module);
    const around: RoutePathMetadata = { globalPrefix: this.#globalPrefix };
    if (modulePath !== undefined) {
      around.modulePath = modulePath;
    }
    if (version !== undefined && versioning !== undefined) {
      Object.assign(around, { methodVersion: version, versioningOptions: versioning });
    }
    const factory = new RoutePathFactory(this.application);
    const paths = pathsOf(controller).flatMap((ctrlPath) =>
      pathsOf(handler).flatMap((methodPath) => factory.create({ ...around, ctrlPath, methodPath }, requestMethod)),
    );
    return {
      name: `${controller.name}.${handler.name}`,
      method: RequestMethod[requestMethod],
      paths,
      handler,
      controller,
      guards: [handler, controller].flatMap(guardsOn),
      isReachable: isReachable(version, versioning),
    };
  }

  /** Whether something that Nest did not map may answer: see {@link isMounted}. */
  areMounted(target: Target): boolean {
    const mapped = this.list().flatMap(({ paths }) => paths);
    return isMounted(this.#framework(), target, { mapped, prefix: this.#globalPrefix });
  }

  get #globalPrefix(): string {
    return withSlash(this.application.getGlobalPrefix());
  }

  #framework(): unknown {
    const adapter: HttpAdapterHost['httpAdapter'] | null | undefined = this.host.httpAdapter;
    return adapter?.getInstance();
  }

  /** What `RouterModule` says. */
  #modulePath(module: Class): string | undefined {
    const ofThisApplication: string | undefined = Reflect.getMetadata(MODULE_PATH + this.modules.applicationId, module);
    return ofThisApplication ?? Reflect.getMetadata(MODULE_PATH, module);
  }
}

/** Whether a route may answer a request: a pattern that is more than names and parameters may match anything. */
export function mayAnswer(route: MappedRoute, { method, path }: Target): boolean {
  const takesMethod = route.method === method || route.method === 'ALL';
  return route.isReachable && takesMethod && route.paths.some((pattern) => mayMatch(pattern, path));
}

function mayMatch(pattern: string, path: string): boolean {
  const wanted = segmentsOf(path);
  const segments = segmentsOf(pattern);
  const wild = segments.findIndex((segment) => /[*{}()?+[\]\\]/.test(segment));
  const fixed = wild === -1 ? segments : segments.slice(0, wild);
  return (
    (wild === -1 ? wanted.length === segments.length : wanted.length >= fixed.length) &&
    fixed.every((segment, index) => segment.includes(':') || segment === wanted[index])
  );
}

/** As loosely as Express reads a path: without regard to case and to slashes at the end. */
function segmentsOf(path: string): readonly string[] {
  return decoded(path).toLowerCase().split('/').filter(Boolean);
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function versionOf(
  handler: Class,
  controller: Class,
  { defaultVersion }: VersioningOptions,
): ControllerOptions['version'] {
  return (
    Reflect.getMetadata(VERSION_METADATA, handler) ??
    Reflect.getMetadata(VERSION_METADATA, controller) ??
    defaultVersion
  );
}

/** Whether a request without a version in a header comes to a route. What an extractor of the application finds is unknown. */
function isReachable(version: ControllerOptions['version'], versioning: VersioningOptions | undefined): boolean {
  const isInHeader = versioning?.type === VersioningType.HEADER || versioning?.type === VersioningType.MEDIA_TYPE;
  return !isInHeader || version === undefined || [version].flat().includes(VERSION_NEUTRAL);
}

function pathsOf(target: Class): readonly string[] {
  const paths: string | readonly string[] = Reflect.getMetadata(PATH_METADATA, target) ?? '';
  return typeof paths === 'string' ? [withSlash(paths)] : paths.map(withSlash);
}

function withSlash(path: string): string {
  return path === '' || path.startsWith('/') ? path : `/${path}`;
}
