import type { INestApplicationContext } from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import type { OpenAPIObject } from '@nestjs/swagger';

import { accessRule, type AccessRule } from '../nest/access-rule.js';
import { credentialsOf, type Credential } from '../nest/authenticating-guard.js';
import { MappedRoutes, type MappedRoute } from '../nest/mapped-routes.js';
import { globalGuardsOf } from '../resource-server/applicable-guards.js';
import type { ParsedOptions } from './oidc.options.js';
import {
  clientOfGuard,
  clientsOf,
  schemeName,
  sessionScheme,
  tokenScheme,
  type DocumentedClient,
  type SecurityScheme,
} from './openapi-clients.js';
import { REFUSAL_SCHEMA, REFUSALS, type RefusalStatus } from './openapi-responses.js';

type PathItem = OpenAPIObject['paths'][string];
type Requirement = NonNullable<OpenAPIObject['security']>[number];

const METHODS = ['get', 'post', 'put', 'patch', 'delete', 'options', 'head'] as const;
const SAFE: readonly string[] = ['get', 'head', 'options'];

/** What a guard takes: one of these, each of one client. */
interface Way {
  readonly client: DocumentedClient;
  readonly credential: Credential;
}

/** What a route needs, by the guards before it: one way of each. */
interface GuardedRoute {
  readonly route: MappedRoute;
  readonly rule: AccessRule;
  readonly guards: readonly (readonly Way[])[];
}

/**
 * Writes into an OpenAPI document what the guards require: security schemes from discovery, the scopes of `@Scopes`, and
 * the answers 401, 403 and 503. A route with `@Public()` gets nothing, and one with `@OptionalAuth()` may be called without
 * credentials. Responses that the document has already stay.
 *
 * ```ts
 * import { NestFactory } from '@nestjs/core';
 * import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
 * import { applyOidcSecurity } from 'nestjs-oidc/swagger';
 *
 * import { AppModule } from './app.module.js';
 *
 * const app = await NestFactory.create(AppModule);
 * const document = SwaggerModule.createDocument(app, new DocumentBuilder().setTitle('Orders').build());
 * await applyOidcSecurity(document, app);
 * SwaggerModule.setup('docs', app, document, {
 *   swaggerOptions: { initOAuth: { clientId: 'docs', usePkceWithAuthorizationCodeGrant: true } },
 * });
 * ```
 *
 * @returns the same document
 */
export async function applyOidcSecurity(document: OpenAPIObject, app: INestApplicationContext): Promise<OpenAPIObject> {
  const modules = app.get(ModulesContainer, { strict: false });
  const application = app.get(ApplicationConfig, { strict: false });
  const clients = clientsOf(modules, (token) => app.get<ParsedOptions>(token, { strict: false }));
  const globals = globalGuardsOf(application);
  const routes = new MappedRoutes(modules, application, app.get(HttpAdapterHost, { strict: false }))
    .list()
    .map((route): GuardedRoute => ({
      route,
      rule: accessRule(route.handler, route.controller),
      guards: [...new Set([...route.guards, ...globals])].map((guard) => waysOf(guard, clients)).filter(isGuard),
    }));
  const used = routes.flatMap((guarded) => documented(guarded, document, application.getGlobalPrefix()));
  if (used.length > 0) {
    await addComponents(document, used);
  }
  return document;
}

function waysOf(guard: unknown, clients: readonly DocumentedClient[]): readonly Way[] {
  const client = clientOfGuard(guard, clients);
  return client === undefined ? [] : credentialsOf(guard).map((credential) => ({ client, credential }));
}

function isGuard(ways: readonly Way[]): boolean {
  return ways.length > 0;
}

/** Documents a route. @returns its requirements, where the document has it and a guard of ours stands before it */
function documented(guarded: GuardedRoute, document: OpenAPIObject, prefix: string): readonly GuardedRoute[] {
  const { route, rule, guards } = guarded;
  const operations = operationsOf(route, document, prefix);
  if (operations.length === 0 || guards.length === 0) {
    return [];
  }
  if (rule.isPublic) {
    // Without this, what the document requires of all routes would be required here.
    operations.filter(() => document.security !== undefined).forEach(({ operation }) => (operation.security = []));
    return [];
  }
  for (const { method, operation } of operations) {
    operation.security = [...requirementsOf(guarded), ...(rule.isOptional ? [{}] : [])];
    for (const status of statusesOf(guarded, method)) {
      operation.responses[status] ??= { $ref: `#/components/responses/${REFUSALS[status].name}` };
    }
  }
  return [guarded];
}

/** The alternatives of a caller: of each guard one of its ways. Scopes are those of tokens. */
function requirementsOf({ guards, rule }: GuardedRoute): readonly Requirement[] {
  const all = guards.reduce<readonly Requirement[]>(
    (before, ways) =>
      before.flatMap((requirement) =>
        ways.map(({ client, credential }) => ({
          ...requirement,
          [schemeName(client, credential)]: credential === 'session' ? [] : [...rule.scopes],
        })),
      ),
    [{}],
  );
  return [...new Map(all.map((requirement) => [JSON.stringify(requirement), requirement])).values()];
}

function statusesOf({ guards, rule }: GuardedRoute, method: string): readonly RefusalStatus[] {
  // A session guard refuses a change by another site.
  const refusesSites = !SAFE.includes(method) && guards.flat().some(({ credential }) => credential === 'session');
  const isLimited = rule.scopes.length > 0 || rule.roles.length > 0 || refusesSites;
  return isLimited ? ['401', '403', '503'] : ['401', '503'];
}

/** The operations of a route, also where the document leaves out the global prefix. */
function operationsOf({ method: only, paths }: MappedRoute, document: OpenAPIObject, prefix: string) {
  const start = `/${prefix.replace(/^\//, '')}`;
  const shapes = paths
    .flatMap((path) => [path, path.startsWith(`${start}/`) ? path.slice(start.length) : path])
    .map(shapeOf);
  return Object.entries(document.paths)
    .filter(([path]) => shapes.includes(shapeOf(path)))
    .flatMap(([, item]) =>
      METHODS.filter((method) => only === 'ALL' || only === method.toUpperCase()).flatMap((method) =>
        operationAt(item, method),
      ),
    );
}

function operationAt(item: PathItem, method: (typeof METHODS)[number]) {
  const operation = item[method];
  return operation === undefined ? [] : [{ method, operation }];
}

/** A path without the names of its parameters, which are written `:id`, `*rest` or `{id}`. */
function shapeOf(path: string): string {
  return path
    .split('/')
    .filter(Boolean)
    .map((segment) => (/^[:*]|^\{.*\}$/.test(segment) ? '{}' : segment))
    .join('/');
}

async function addComponents(document: OpenAPIObject, routes: readonly GuardedRoute[]): Promise<void> {
  const schemes = new Map<string, SecurityScheme>();
  for (const { client, credential } of routes.flatMap(({ guards }) => guards.flat())) {
    const name = schemeName(client, credential);
    if (!schemes.has(name)) {
      schemes.set(
        name,
        credential === 'session' ? sessionScheme(client) : await tokenScheme(client, scopesFor(name, routes)),
      );
    }
  }
  const { components = {} } = document;
  const responses = Object.values(REFUSALS).map(({ name, response }) => [name, response] as const);
  document.components = {
    ...components,
    schemas: { ...components.schemas, ...REFUSAL_SCHEMA },
    responses: { ...components.responses, ...Object.fromEntries(responses) },
    securitySchemes: { ...components.securitySchemes, ...Object.fromEntries(schemes) },
  };
}

/** The scopes of all routes that a scheme stands before. */
function scopesFor(scheme: string, routes: readonly GuardedRoute[]): readonly string[] {
  const ofScheme = routes.filter(({ guards }) =>
    guards.flat().some(({ client, credential }) => schemeName(client, credential) === scheme),
  );
  return [...new Set(ofScheme.flatMap(({ rule }) => rule.scopes))];
}
