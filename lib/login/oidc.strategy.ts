import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import passport from 'passport';

import { SessionError } from '../errors/errors.js';
import * as requests from '../nest/requests.js';
import type { TokenResponse } from '../tokens/token-response.js';
import type { JsonObject, JsonValue } from '../values/json.js';
import { answerWith, type Ending, type Success } from './ending.js';
import { loginRefusal, refusedLogin } from './login-refusal.js';
import { Login, type LoggedIn, type LoginResponse, type Outcome } from './login.js';

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

/** What the caller of an attempt decides. */
export interface AttemptOptions {
  /** Whether a login starts a session of ours. */
  readonly startsSession: boolean;
}

const PassportStrategy: new () => PassportCallbacks = passport.Strategy;

/**
 * The Passport strategy of a login with OpenID Connect: the code flow with PKCE, `state` and `nonce`.
 *
 * An application that has users of its own extends it and is registered with
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
 * (`oidc-<name>` for a named client); there the handler of the callback runs, and answers, and the session is the
 * application's own where no `OidcSessionGuard` reads ours.
 *
 * One instance serves all requests at once: nothing of a request is kept on it.
 */
@Injectable()
export class OidcStrategy extends PassportStrategy implements OnModuleInit {
  override name = 'oidc';

  /** By property, so that a subclass has its constructor for itself. */
  @Inject(Login)
  private readonly login!: Login;

  /**
   * The login behind the strategy, for the guard. A static method over a private member: the compiler refuses a subclass that
   * takes the member's name for its own.
   *
   * @internal
   */
  static loginOf({ login }: OidcStrategy): Login {
    return login;
  }

  onModuleInit(): void {
    this.name = this.login.strategyName;
    this.login.acceptResponses();
    passport.use(this.name, this);
  }

  /**
   * Who the application takes the end-user for. Runs once, when the browser comes back; the result is kept in the session
   * as JSON and becomes `request.user`. Default: `sub` and the claims, an `OidcUser`.
   *
   * @param claims of the ID token, verified; with `login.userinfo` also those of userinfo
   * @returns what JSON can hold; nothing, to refuse the login with 403
   */
  validate(claims: JsonObject, tokens: TokenResponse): unknown;
  validate(claims: JsonObject): unknown {
    return { sub: claims['sub'], claims };
  }

  /**
   * One attempt to log in: begins a login, or ends it at the callback. Never rejects, and touches no response: how it ended
   * is returned.
   *
   * @param request of Express or Fastify
   */
  async attempt(request: unknown, options: AttemptOptions): Promise<Ending> {
    const { setCookies, ...outcome } = await this.outcomeOf(request, options);
    if ('location' in outcome) {
      return { setCookies, kind: 'redirect', location: outcome.location };
    }
    if ('user' in outcome) {
      return { setCookies, kind: 'user', user: outcome.user, returnTo: outcome.returnTo };
    }
    const refusal = loginRefusal(outcome.error);
    if (refusal === undefined) {
      return { setCookies, kind: 'error', error: outcome.error };
    }
    this.login.operator.report(refusedLogin(refusal));
    return { setCookies, kind: 'refusal', refusal };
  }

  /**
   * The Passport face of {@link attempt}, for `AuthGuard` on Express. Passport calls it on an object of its own for each
   * request. Sessions are the application's there, unless an `OidcSessionGuard` reads ours. Never rejects.
   */
  async authenticate(request: unknown): Promise<void> {
    const { responses, sessionsAreRead } = this.login;
    let success: Success;
    try {
      const response = requests.expressResponse(request);
      const ending = await this.attempt(request, { startsSession: sessionsAreRead });
      success = answerWith(ending, response, responses);
    } catch (error) {
      return this.error(error);
    }
    if (success.kind === 'redirect') {
      this.redirect(success.location, 303);
    } else {
      this.success(success.user, { returnTo: success.returnTo });
    }
  }

  private async outcomeOf(request: unknown, options: AttemptOptions): Promise<Outcome> {
    try {
      if (!this.login.isCallback(request)) {
        return await this.login.start(request);
      }
      const response = await this.login.receive(request);
      return 'alreadyAt' in response
        ? { location: response.alreadyAt, setCookies: [] }
        : await this.login.once(response, () => this.complete(request, response, options));
    } catch (error) {
      return { error, setCookies: [] };
    }
  }

  /** Ends the login that the response is for. Never rejects: the login is used up, whatever comes of it. */
  private async complete(request: unknown, response: LoginResponse, options: AttemptOptions): Promise<Outcome> {
    const used = this.login.used(response);
    try {
      const result = await this.login.finish(response);
      const { user, setCookies } = await this.admit(request, response, result, options);
      this.login.reportSize([used, ...setCookies]);
      return { user, returnTo: result.returnTo, setCookies: [used, ...setCookies] };
    } catch (error) {
      return { error, setCookies: [used] };
    }
  }

  private async admit(
    request: unknown,
    { login }: LoginResponse,
    { claims, tokens, returnTo }: LoggedIn,
    { startsSession }: AttemptOptions,
  ): Promise<Admitted> {
    try {
      const user = asJson(await this.validate(claims, tokens));
      if (!user) {
        throw new SessionError('USER_REFUSED', 'The application does not accept who logged in');
      }
      const session = { user, tokens, startedBy: { login, returnTo } };
      return { user, setCookies: startsSession ? await this.login.startSession(request, session) : [] };
    } catch (error) {
      this.login.discard(tokens);
      throw error;
    }
  }
}

/** The user that the application accepted, and the cookies of the session that was started. */
interface Admitted {
  readonly user: JsonValue;
  readonly setCookies: readonly string[];
}

/** The user as JSON: what every later request sees. */
function asJson(user: unknown): JsonValue | undefined {
  const text = user ? stringify(user) : undefined;
  return text === undefined ? undefined : JSON.parse(text);
}

function stringify(user: unknown): string {
  const text = JSON.stringify(user);
  if (text === undefined) {
    throw new TypeError('OidcStrategy.validate returned what JSON can not hold');
  }
  return text;
}
