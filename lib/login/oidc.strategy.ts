import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import passport from 'passport';

import * as requests from '../nest/requests.js';
import type { LoginTokens } from '../tokens/login-tokens.js';
import type { JsonObject } from '../values/json.js';
import { answerWith, type Ending, type Success } from './ending.js';
import type { LoginExtra } from './login-extra.js';
import { Login } from './login.js';

/** The callbacks that Passport sets on a strategy for each attempt. Exactly one of them is called, at its end. */
interface PassportCallbacks {
  name?: string | undefined;
  success(user: unknown, info: LoginInfo): void;
  redirect(url: string, status: number): void;
  error(error: unknown): void;
}

/** Passport's `info` of a successful login. */
export interface LoginInfo {
  /** A path of the application. */
  readonly returnTo: string;
}

/** Options of an attempt. */
export interface AttemptOptions {
  /** Whether a login starts a local session. */
  readonly startsSession: boolean;
  /** Makes the application's authorization parameters, if a login begins. */
  readonly parameters?: () => unknown;
}

const PassportStrategy: new () => PassportCallbacks = passport.Strategy;

/**
 * The Passport strategy of a login with OpenID Connect: with `state`, `nonce` and, where there is a code, PKCE.
 *
 * An application with its own users extends it and registers the subclass with
 * `providers: [{ provide: OidcStrategy, useClass: AppStrategy }]`:
 *
 * ```ts
 * @Injectable()
 * export class AppStrategy extends OidcStrategy {
 *   constructor(private readonly users: Users) { super(); }
 *   override async validate(claims: JsonObject) { return this.users.bySubject(String(claims['sub'])); }
 * }
 * ```
 *
 * `OidcLoginGuard` uses it on Express and Fastify. On Express `AuthGuard('oidc')` of `@nestjs/passport` does as well
 * (`oidc-<name>` for a named client). There the callback's handler runs and answers, and the session is the application's
 * own, unless it uses `OidcSessionGuard`.
 *
 * One instance serves all requests, so it holds no state of a request.
 */
@Injectable()
export class OidcStrategy extends PassportStrategy implements OnModuleInit {
  override name = 'oidc';

  /** Injected by property, so that a subclass is free in its constructor. */
  @Inject(Login)
  private readonly login!: Login;

  /**
   * The login of a strategy, for the guard. Static over a private member, so that the compiler refuses a subclass with a
   * member of the same name.
   *
   * @internal
   */
  static loginOf({ login }: OidcStrategy): Login {
    return login;
  }

  onModuleInit(): void {
    this.name = this.login.strategyName;
    this.login.acceptForms();
    passport.use(this.name, this);
  }

  /**
   * Maps the claims to the application's user. Runs once, at the callback. The result is stored in the session as JSON and
   * becomes `request.user`. Default: an `OidcUser` with `sub` and the claims.
   *
   * @param claims the verified ID token's; with `login.userinfo` also those of userinfo
   * @param tokens without an access token where the response type is `id_token`
   * @param extra what the provider sent along by the browser, not verified, such as Apple's `user`
   * @returns a JSON value; a falsy one refuses the login with 403
   */
  validate(claims: JsonObject, tokens: LoginTokens, extra: LoginExtra): unknown;
  validate(claims: JsonObject): unknown {
    return { sub: claims['sub'], claims };
  }

  /**
   * One attempt to log in: begins a login, or ends it at the callback. Never rejects. It does not touch the response, but
   * returns the result.
   *
   * @param request of Express or Fastify
   */
  attempt(request: unknown, options: AttemptOptions): Promise<Ending> {
    return this.login.attempt(request, { ...options, validate: (...loggedIn) => this.validate(...loggedIn) });
  }

  /**
   * Passport's entry point to {@link attempt}, for `AuthGuard` on Express. Passport calls it on a new object for each
   * request. The session is the application's own, unless it uses `OidcSessionGuard`. Never rejects.
   */
  async authenticate(request: unknown): Promise<void> {
    const { responses, sessionsAreRead } = this.login;
    let success: Success;
    try {
      const response = requests.expressResponse(request);
      const ending = await this.attempt(request, { startsSession: sessionsAreRead });
      success = await answerWith(ending, response, responses);
    } catch (error) {
      return this.error(error);
    }
    if (success.kind === 'redirect') {
      this.redirect(success.location, 303);
    } else {
      this.success(success.user, { returnTo: success.returnTo });
    }
  }
}
