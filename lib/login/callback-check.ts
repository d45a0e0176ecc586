import { SELF_DECLARED_DEPS_METADATA } from '@nestjs/common/constants.js';
import type { OnApplicationBootstrap } from '@nestjs/common';

import type { OidcClient } from '../client/oidc-client.js';
import { ConfigError } from '../errors/errors.js';
import type { OperatorPort } from '../events/operator-events.js';
import { authenticates, classOf, logsIn } from '../nest/authenticating-guard.js';
import { mayAnswer, type MappedRoute, type MappedRoutes } from '../nest/mapped-routes.js';
import { Sites } from '../nest/sites.js';
import { routesToken, strategyToken } from '../nest/tokens.js';
import { member } from '../values/member.js';
import { requestedDelivery } from './login-plan.js';
import { methodsOf } from './login-response.js';
import type { LoginSettings } from './login.options.js';

/**
 * Checks at boot that a route answers each redirect URI which logins use. Without it, the first person who signs in would find
 * out. An application without `OidcLoginGuard` is left alone.
 */
export class CallbackCheck implements OnApplicationBootstrap {
  constructor(
    private readonly client: OidcClient,
    private readonly settings: LoginSettings,
    private readonly routes: MappedRoutes,
    private readonly operator: OperatorPort,
  ) {}

  /** @throws {ConfigError} no route answers a redirect URI */
  onApplicationBootstrap(): void {
    const all = this.routes.areServed ? this.routes.list() : [];
    const ofLogin = all.filter(({ guards }) => guards.some((guard) => this.#isOwn(guard)));
    if (ofLogin.length === 0) {
      return;
    }
    const { redirect_uris } = this.client.metadata;
    for (const { redirect_uri } of Sites.of(redirect_uris, this.client.name).all()) {
      const { callbackPath: path = new URL(redirect_uri).pathname } = this.settings;
      for (const method of methodsOf(requestedDelivery(this.client.metadata, this.settings))) {
        this.#check(redirect_uri, { method, path }, ofLogin, all);
      }
    }
  }

  #check(
    redirect_uri: string,
    target: { readonly method: string; readonly path: string },
    ofLogin: readonly MappedRoute[],
    all: readonly MappedRoute[],
  ): void {
    const answers = (route: MappedRoute): boolean => mayAnswer(route, target);
    if (ofLogin.some(answers)) {
      return;
    }
    const others = all.filter(answers);
    // A guard that is none of ours may log in by itself, such as AuthGuard('oidc').
    if (others.some(({ guards }) => guards.some((guard) => !authenticates(guard) && !logsIn(guard)))) {
      return;
    }
    const [other] = others;
    if (other !== undefined || this.routes.areMounted(target)) {
      this.operator.report({ kind: 'foreign-callback', redirect_uri, route: other?.name });
      return;
    }
    const problem = [
      `${redirect_uri} is answered by no route: ${target.method} ${target.path} is not under OidcLoginGuard.`,
      `These are: ${ofLogin.map(described).join(', ')}.`,
      'Mend the route or the URI; where a proxy cuts a prefix off, set login.callbackPath',
    ].join(' ');
    throw new ConfigError('INVALID_CONFIG', 'client.redirect_uris', problem);
  }

  /** Whether it is a login guard of this client, or that of its mounted routes. */
  #isOwn(guard: unknown): boolean {
    const { name } = this.client;
    return logsIn(guard) && [strategyToken(name), routesToken(name)].some((token) => token === clientOf(guard));
  }
}

/** The injection token of a login guard's first parameter. Where there are two, the later one counts. */
function clientOf(guard: unknown): unknown {
  const type = classOf(guard);
  const declared: unknown = type && Reflect.getMetadata(SELF_DECLARED_DEPS_METADATA, type);
  const list: readonly unknown[] = Array.isArray(declared) ? declared : [];
  return member(
    list.findLast((one) => member(one, 'index') === 0),
    'param',
  );
}

function described({ name, method, paths }: MappedRoute): string {
  return `${paths.map((path) => `${method} ${path}`).join(', ')} (${name})`;
}
