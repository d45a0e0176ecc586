import { Inject, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import passport from 'passport';

import { SessionError } from '../errors/errors.js';
import type { ToldOnce } from '../events/told-once.js';
import { PRIVATE_ANSWER, type ResponseHeader } from '../nest/answer.js';
import * as requests from '../nest/requests.js';
import type { TokenResponse } from '../tokens/token-response.js';
import type { JsonObject, JsonValue } from '../values/json.js';
import { refuseLogin, type LoginRefusal } from './login-refusal.js';
import { Login, type LoggedIn, type LoginResponse, type Outcome } from './login.js';

/** What Passport puts onto a strategy for each attempt; exactly one of them is called at its end. */
interface Attempt {
  name?: string | undefined;
  success(user: unknown, info: LoginInfo): void;
  redirect(url: string, status: number): void;
  error(error: unknown): void;
}

/** What a successful login says beside the user. */
export interface LoginInfo {
  /** A path of the application. */
  readonly returnTo: string;
}

const PassportStrategy: new () => Attempt = passport.Strategy;

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
 *   override async validate(claims: JsonObject) { return this.users.find(claims.sub); }
 * }
 * ```
 *
 * `OidcLoginGuard` drives it on Express and Fastify. On Express `AuthGuard('oidc')` of `@nestjs/passport` does as well
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
   * What a guard needs to drive it. Private members a compiler defends against those of a subclass; others it would only hide.
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

  /** Called by Passport or by `OidcLoginGuard`, on an object of its own for each request. Never rejects. */
  async authenticate(request: unknown): Promise<void> {
    const outcome = await this.outcomeOf(request);
    const refusal = 'error' in outcome ? refuseLogin(outcome.error) : undefined;
    report(refusal, this.login.told);
    const headers = [...PRIVATE_ANSWER, ...(refusal?.headers ?? []), ['Set-Cookie', outcome.setCookies] as const];
    try {
      this.deliver(request, headers);
    } catch (error) {
      return this.error(error);
    }
    if ('location' in outcome) {
      this.redirect(outcome.location, 303);
    } else if ('user' in outcome) {
      this.success(outcome.user, { returnTo: outcome.returnTo });
    } else {
      this.error(refusal?.exception);
    }
  }

  /** Hands over what the answer must carry. `OidcLoginGuard` has its own way; by default it is set on Express' response. */
  private deliver(request: unknown, headers: readonly ResponseHeader[]): void {
    this.login.responses.deliver(requests.expressResponse(request), headers);
  }

  /**
   * Whether a login starts a session of ours. `OidcLoginGuard` says yes; under `AuthGuard` sessions are the application's,
   * unless an `OidcSessionGuard` is there to read ours.
   */
  private startsSession(): boolean {
    return this.login.sessionsAreRead;
  }

  private async outcomeOf(request: unknown): Promise<Outcome> {
    try {
      if (!this.login.isCallback(request)) {
        return await this.login.start(request);
      }
      const response = await this.login.receive(request);
      return 'alreadyAt' in response
        ? { location: response.alreadyAt, setCookies: [] }
        : await this.login.once(response, () => this.complete(request, response));
    } catch (error) {
      return { error, setCookies: [] };
    }
  }

  /** Ends the login that the response is for. Never rejects: the login is used up, whatever comes of it. */
  private async complete(request: unknown, response: LoginResponse): Promise<Outcome> {
    const used = this.login.used(response);
    try {
      const result = await this.login.finish(response);
      const { user, setCookies } = await this.admit(request, response, result);
      this.login.warnOfSize([used, ...setCookies]);
      return { user, returnTo: result.returnTo, setCookies: [used, ...setCookies] };
    } catch (error) {
      return { error, setCookies: [used] };
    }
  }

  private async admit(request: unknown, { login }: LoginResponse, result: LoggedIn): Promise<Admitted> {
    const { claims, tokens, returnTo } = result;
    try {
      const user = asJson(await this.validate(claims, tokens));
      if (!user) {
        throw new SessionError('USER_REFUSED', 'The application does not accept who logged in');
      }
      const session = { user, tokens, startedBy: { login, returnTo } };
      return { user, setCookies: this.startsSession() ? this.login.startSession(request, session) : [] };
    } catch (error) {
      this.login.discard(tokens);
      throw error;
    }
  }
}

/** Who may come in, with the session that was started. */
interface Admitted {
  readonly user: JsonValue;
  readonly setCookies: readonly string[];
}

/** The user as every later request will see it. */
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

const logger = new Logger('OidcStrategy');

/** The same trouble once in half a minute; in between at `debug`. */
function report(refusal: LoginRefusal | undefined, told: ToldOnce): void {
  if (refusal?.log !== undefined) {
    const { line, kind } = refusal.log;
    const level = refusal.isOurFault ? 'error' : 'warn';
    logger[told.isNew(kind) ? level : 'debug'](line);
  }
}
