import type { OidcClient } from '../client/oidc-client.js';
import type { CookieProfile } from '../nest/cookies.js';
import { isStatedNavigation } from '../nest/navigation.js';
import * as requests from '../nest/requests.js';
import { Sites } from '../nest/sites.js';
import type { SessionSettings } from './session.options.js';
import type { SilentLoginPort } from './session.port.js';

const BASE_NAME = 'oidc-silent';

/**
 * Silent logins (`prompt=none`; OpenID Connect Core 1.0, section 3.1.2.1): a browser is sent to the provider, which shows no
 * page. A cookie says that this browser has tried. It ends with the browser, or with the next session that a guard finds.
 *
 * So no loop begins, even where the browser keeps no session. A logout sets the cookie too: who has signed out here may still
 * be signed in at the provider, and would be back at once.
 */
export class SilentLogins implements SilentLoginPort {
  readonly #cookies: Sites<CookieProfile> | undefined;

  /** @throws {ConfigError} they are on, and the client's redirect URIs allow no safe cookie */
  constructor(
    client: Pick<OidcClient, 'metadata' | 'name'>,
    { silentLogin = false, cookie = {} }: Partial<Pick<SessionSettings, 'silentLogin' | 'cookie'>>,
  ) {
    this.#cookies = silentLogin ? Sites.of(client).map(({ cookies }) => cookies.with(cookie)) : undefined;
  }

  get areOn(): boolean {
    return this.#cookies !== undefined;
  }

  /** Whether a browser without a session is to try. */
  isDue(request: object): boolean {
    return this.areOn && isStatedNavigation(request) && !this.wasTried(request);
  }

  wasTried(request: unknown): boolean {
    const profile = this.#cookies?.at(request);
    return profile !== undefined && requests.cookies(request).has(profile.name(BASE_NAME));
  }

  /** The `Set-Cookie` lines by which the browser tries no more. */
  tried(request: unknown): readonly string[] {
    const profile = this.#cookies?.at(request);
    return profile === undefined ? [] : [profile.set(profile.name(BASE_NAME), '1')];
  }

  /** The `Set-Cookie` lines by which it may try again, once it has a session. */
  succeeded(request: unknown): readonly string[] {
    const profile = this.#cookies?.at(request);
    return profile !== undefined && this.wasTried(request) ? [profile.clear(profile.name(BASE_NAME))] : [];
  }
}
