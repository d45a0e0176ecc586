import { auditFailure } from '../events/audit.js';
import * as requests from '../nest/requests.js';
import type { Responses } from '../nest/responses.js';
import type { Routes } from '../nest/routes.js';
import type { Ending, Outcome, Redirect } from './ending.js';
import { LoginCallback, type Admission } from './login-callback.js';
import { planLogin, type LoginParts, type LoginPlan } from './login-plan.js';
import { loginRefusal, refusedLogin } from './login-refusal.js';
import { expectedResponse } from './login-response.js';
import { LoginStart } from './login-start.js';

/** A login in place of a session. */
interface SilentLogin {
  readonly returnTo: string;
  /** Whether its session outlives the browser. */
  readonly remember: true | undefined;
  /** Of the person whom the provider shall log in again. */
  readonly idToken: string | undefined;
}

/** An attempt to log in. */
export interface LoginAttempt extends Admission {
  /** Makes the application's authorization parameters, if a login begins. */
  readonly parameters?: (() => unknown) | undefined;
}

/**
 * Login without Passport: begins one ({@link LoginStart}), or ends it at the callback ({@link LoginCallback}).
 *
 * The options are checked when the first login guard or strategy is made, so that other applications need none.
 */
export class Login {
  readonly strategyName: string;
  readonly #start: LoginStart;
  readonly #callback: LoginCallback;
  #planned: LoginPlan | undefined;

  constructor(
    private readonly parts: LoginParts,
    readonly responses: Responses,
    private readonly routes: Routes,
  ) {
    const { name } = parts.client;
    this.strategyName = name === undefined ? 'oidc' : `oidc-${name}`;
    this.#start = new LoginStart(parts, () => this.#plan());
    this.#callback = new LoginCallback(parts, () => this.#plan(), this.#start);
  }

  /** Checks the options. @throws {ConfigError} they allow no login */
  require(): void {
    this.#plan();
  }

  /**
   * Makes Fastify hand over posted responses, and the forms by which other sites initiate logins, even with
   * `bodyParser: false`. Call it before the first request.
   */
  acceptForms(): void {
    const { client, settings } = this.parts;
    const { delivery } = expectedResponse(client.metadata, settings);
    if (delivery !== 'query' || client.metadata.initiate_login_uri !== undefined) {
      this.routes.acceptForms();
    }
  }

  /** Whether the application uses a session guard. */
  get sessionsAreRead(): boolean {
    return this.parts.sessions.areRead;
  }

  /** Whether a request is a callback. Only its path counts, because anybody can write parameters. */
  isCallback(request: unknown): boolean {
    return this.#plan().callbackPaths.includes(requests.path(request));
  }

  /** One attempt to log in: begins a login, or ends it at the callback. Never rejects. */
  async attempt(request: unknown, attempt: LoginAttempt): Promise<Ending> {
    const outcome = await this.#outcomeOf(request, attempt);
    const refusal = outcome.kind === 'error' ? loginRefusal(outcome.error) : undefined;
    if (refusal === undefined) {
      return outcome;
    }
    this.parts.operator.report(refusedLogin(refusal));
    return { kind: 'refusal', refusal, setCookies: outcome.setCookies };
  }

  /** Begins a login at which the provider shows no page. Where it fails, the browser comes back without. */
  startSilently(request: unknown, { returnTo, remember, idToken }: SilentLogin): Promise<Redirect> {
    const parameters = { prompt: 'none', ...(idToken !== undefined && { id_token_hint: idToken }) };
    const kept = { returnTo, remember, silent: true, repeatWith: undefined } as const;
    return this.#start.begin(request, this.#plan().sites.at(request), parameters, kept);
  }

  async #outcomeOf(request: unknown, attempt: LoginAttempt): Promise<Outcome> {
    try {
      return this.isCallback(request)
        ? await this.#callback.end(request, attempt)
        : await this.#start.start(request, attempt.parameters);
    } catch (error) {
      auditFailure('login', this.parts.client, error);
      return { kind: 'error', error, setCookies: [] };
    }
  }

  #plan(): LoginPlan {
    if (this.#planned === undefined) {
      const plan = planLogin(this.parts);
      this.parts.sessions.alsoSet((request) => plan.sites.at(request).cookies.clearSurplus(requests.cookies(request)));
      this.#planned = plan;
    }
    return this.#planned;
  }
}
