import type { Server } from '../../authorization-server/server.js';
import { discard } from '../../http/body.js';
import type { StreamedResponse } from '../../http/streamed-calls.js';
import { authenticate } from '../../nest/authenticated.js';
import { refuse, type Refusal } from '../../nest/refusal.js';
import * as requests from '../../nest/requests.js';
import type { Responses } from '../../nest/responses.js';
import { requestResource } from '../../tokens/resource-request.js';
import { TokenResponse } from '../../tokens/token-response.js';
import type { ClientSessions } from '../client-sessions.js';
import type { OidcSession } from '../oidc-session.js';
import { loginRequired, tokensRefusal } from '../session-refusal.js';
import { bodyOf } from './forwarded-body.js';
import { requestHeaders, responseHeaders } from './forwarded-headers.js';
import { bodyRefused, csrfHeaderMissing, methodRefused, pathRefused } from './proxy-refusal.js';
import { locationFor, targetOf } from './proxy-target.js';
import type { ProxySettings } from './proxy.options.js';
import { RefusedTokens, refusesToken } from './refused-tokens.js';

/** What a proxy is made of. */
export interface ProxyParts {
  readonly server: Server;
  readonly session: OidcSession;
  readonly sessions: ClientSessions;
  readonly responses: Responses;
}

/** A request of a session, and where it goes. */
interface Forwarded {
  readonly request: object;
  readonly response: object;
  readonly target: URL;
  readonly tokens: TokenResponse;
  /** The path of the route, as the browser asked for it. */
  readonly mount: string;
}

/**
 * Reverse proxy to one API, with the tokens of the browser's session (OAuth 2.0 for Browser-Based Applications, "Backend For
 * Frontend"). The browser never has a token.
 */
export class BffProxy {
  readonly #refused: RefusedTokens;

  constructor(
    private readonly settings: ProxySettings,
    private readonly parts: ProxyParts,
  ) {
    const { session, sessions, server } = parts;
    this.#refused = new RefusedTokens(session, sessions, server.clock);
  }

  /**
   * Decides on a request, for a guard.
   *
   * @returns forwards it, and ends when the answer has gone to the browser
   * @throws {OidcException} 405, 403, 400, 401, 503
   */
  async admit(request: object, response: object): Promise<() => Promise<void>> {
    if (isWebSocket(request) || requests.method(request) === 'TRACE') {
      this.#refuse(methodRefused(), response);
    }
    if (!isOfOwnPage(request)) {
      this.#refuse(csrfHeaderMissing(), response);
    }
    const below = requests.belowRoute(request);
    const target = targetOf(this.settings.to, below);
    if (target === undefined) {
      return this.#refuse(pathRefused(), response);
    }
    const tokens = await this.#tokens(request, response);
    return () => this.#forward({ request, response, target, tokens, mount: below.mount });
  }

  /** The tokens of the request's session, refreshed where they have to be. */
  async #tokens(request: object, response: object): Promise<TokenResponse> {
    const { session, sessions, responses } = this.parts;
    try {
      const found = await sessions.find(request, response);
      responses.deliver(response, [['Set-Cookie', found.setCookies]]);
      if (found.session === undefined) {
        return this.#refuse(loginRequired(), response);
      }
      authenticate(request, { user: found.session.user });
      await session.accessToken(request, response);
      const tokens = (await sessions.kept(request))?.tokens;
      return tokens instanceof TokenResponse ? tokens : this.#refuse(loginRequired(), response);
    } catch (error) {
      return this.#refuseFailed(error, response);
    }
  }

  async #forward(forwarded: Forwarded): Promise<void> {
    const { response, target, mount } = forwarded;
    const { responses } = this.parts;
    try {
      const { status, headers, body } = await this.#send(forwarded);
      const location = [headers['location'] ?? []].flat();
      responses.deliver(response, [
        ...responseHeaders(headers),
        ...location.map((one) => ['Location', locationFor(one, target, this.settings.to, mount)] as const),
        ['Cache-Control', 'private, no-store'],
        ['X-Content-Type-Options', 'nosniff'],
      ]);
      await responses.stream(response, status, [headers['content-type']].flat()[0], body);
    } catch (error) {
      this.#refuseFailed(error, response);
    }
  }

  /** Sends a request, and once more with another token where the API takes this one no more. A stream can be sent once only. */
  async #send({ request, response, target, tokens }: Forwarded): Promise<StreamedResponse> {
    const { server, responses } = this.parts;
    const body = bodyOf(request) ?? this.#refuse(bodyRefused(), response);
    const forwarded = {
      method: requests.method(request),
      url: target,
      headers: requestHeaders(requests.raw(request).rawHeaders, { isAsItCame: body.kind !== 'parsed' }),
      body: body.kind === 'none' ? null : body.content,
      timeout: this.settings.timeout,
      signal: responses.closed(response),
    };
    const answer = await requestResource(server, forwarded, tokens);
    if (body.kind === 'stream' || !refusesToken(answer)) {
      return answer;
    }
    const others = await this.#refused.replace(request, response, tokens).catch((error: unknown) => {
      discard(answer.body);
      throw error;
    });
    if (others === undefined) {
      return answer;
    }
    discard(answer.body);
    return requestResource(server, forwarded, others);
  }

  #refuseFailed(error: unknown, response: object): never {
    const refusal = tokensRefusal(error);
    throw refusal === undefined ? error : this.#refuse(refusal, response);
  }

  #refuse(refusal: Refusal, response: object): never {
    throw refuse(refusal, response, this.parts.responses);
  }
}

/** Any other protocol that `Upgrade` names may be ignored (RFC 9110, section 7.8). */
function isWebSocket(request: object): boolean {
  return /\bwebsocket\b/i.test(requests.header(request, 'upgrade') ?? '');
}

/**
 * Whether a page of our own origin sent a request. Another origin can't add a header without a preflight (Fetch, section
 * 3.3.8), which nobody answers here. A navigation, which shows the answer as a page, can't add one at all.
 */
function isOfOwnPage(request: object): boolean {
  return requests.header(request, 'x-csrf') === '1' && requests.header(request, 'sec-fetch-site') !== 'cross-site';
}
