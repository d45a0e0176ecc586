import { SELF_DECLARED_DEPS_METADATA } from '@nestjs/common/constants.js';
import type { OnApplicationBootstrap } from '@nestjs/common';

import type { OidcClient } from '../client/oidc-client.js';
import { ConfigError } from '../errors/errors.js';
import type { OperatorPort } from '../events/operator-events.js';
import { authenticates, classOf, logsIn } from '../nest/authenticating-guard.js';
import { mayAnswer, type MappedRoute, type MappedRoutes } from '../nest/mapped-routes.js';
import { Sites } from '../nest/sites.js';
import { routesToken, strategyToken } from '../nest/tokens.js';
import type { SessionPort } from '../session/session.port.js';
import { member } from '../values/member.js';
import { expectedResponse, methodsOf } from './login-response.js';
import type { LoginSettings } from './login.options.js';

/** Where a response to a login comes. */
interface Callback {
  readonly redirect_uri: string;
  readonly method: string;
  readonly path: string;
}

/**
 * Checks at boot that a route answers each redirect URI which logins use. Without it, the first person who signs in would find
 * out. An application that uses no login guard and no session guard is left alone. One that only reads sessions is warned:
 * another application may begin them.
 */
export class CallbackCheck implements OnApplicationBootstrap {
  constructor(
    private readonly client: OidcClient,
    private readonly settings: LoginSettings,
    private readonly routes: MappedRoutes,
    private readonly operator: OperatorPort,
    private readonly sessions: Pick<SessionPort, 'areRead'>,
  ) {}

  /** @throws {ConfigError} no route answers a redirect URI */
  onApplicationBootstrap(): void {
    const all = this.routes.areServed ? this.routes.list() : [];
    const ofLogin = all.filter(({ guards }) => guards.some((guard) => this.#isOwn(guard)));
    if (!this.routes.areServed || (ofLogin.length === 0 && !this.sessions.areRead)) {
      return;
    }
    const methods = methodsOf(expectedResponse(this.client.metadata, this.settings).delivery);
    const unanswered = Sites.of(this.client)
      .all()
      .flatMap(({ redirect_uri }) => {
        const { callbackPath: path = new URL(redirect_uri).pathname } = this.settings;
        return methods.map((method) => ({ redirect_uri, method, path }));
      })
      .find((callback) => !this.#isAnswered(callback, ofLogin, all));
    if (unanswered !== undefined) {
      this.#report(unanswered, ofLogin);
    }
  }

  #isAnswered(callback: Callback, ofLogin: readonly MappedRoute[], all: readonly MappedRoute[]): boolean {
    const answers = (route: MappedRoute): boolean => mayAnswer(route, callback);
    if (ofLogin.some(answers)) {
      return true;
    }
    const others = all.filter(answers);
    // A guard that is none of ours may log in by itself, such as AuthGuard('oidc').
    if (others.some(({ guards }) => guards.some((guard) => !authenticates(guard) && !logsIn(guard)))) {
      return true;
    }
    const [other] = others;
    if (other !== undefined || this.routes.areMounted(callback)) {
      this.operator.report({ kind: 'foreign-callback', redirect_uri: callback.redirect_uri, route: other?.name });
      return true;
    }
    return false;
  }

  /** @throws {ConfigError} there are login routes, and none of them answers */
  #report({ redirect_uri, method, path }: Callback, ofLogin: readonly MappedRoute[]): void {
    if (ofLogin.length === 0) {
      this.operator.report({ kind: 'login-missing', method, path });
      return;
    }
    const problem = [
      `${redirect_uri} is answered by no route: ${method} ${path} is not under OidcLoginGuard.`,
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
