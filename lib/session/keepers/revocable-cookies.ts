import type { OidcClient } from '../../client/oidc-client.js';
import type { OidcStore } from '../../storage/oidc-store.js';
import { clientHash, partsOf } from './client-hash.js';
import type { SessionCookies } from './session-cookies.js';
import type { FoundSession, KeptSession, NewSession, SessionKeeper, SessionsOf } from '../session.port.js';

/**
 * Session keeper in cookies, with a list of ended sessions in the store. A cookie can't be called back, so the list says when
 * a `sid`, a `sub` or one session was ended, and each request asks it. A session that began before is over.
 *
 * Anybody can name a `sid` in a front-channel logout. So the store also has each `sid` of a session that began, and no other
 * is put on the list by that way.
 */
export class RevocableCookies implements SessionKeeper {
  /** @param lifetime seconds that a session can last, and a mark has to */
  constructor(
    private readonly cookies: SessionCookies,
    private readonly client: OidcClient,
    private readonly store: OidcStore,
    private readonly lifetime: number,
  ) {}

  async find(request: unknown): Promise<FoundSession> {
    const found = this.cookies.find(request);
    const isEnded = found.session !== undefined && (await this.#isEnded(found.session));
    return isEnded ? { setCookies: this.clear(request) } : found;
  }

  async start(request: unknown, session: NewSession): Promise<readonly string[]> {
    const sid = session.identity?.sid;
    if (sid !== undefined) {
      await this.store.set(this.#begunOf(sid), '1', this.lifetime * 1000);
    }
    const startedAt = this.client.clock.now();
    const { session: before } = this.cookies.find(request);
    const setCookies = this.cookies.start(request, { ...session, startedAt });
    // What began in the same millisecond has the same mark.
    if (before?.identity !== undefined && before.startedAt !== startedAt) {
      await this.#mark(ofOne(before));
    }
    return setCookies;
  }

  renew(request: unknown, found: FoundSession, changes: Partial<NewSession>): readonly string[] | undefined {
    return this.cookies.renew(request, found, changes);
  }

  async end(request: unknown): Promise<void> {
    const { session } = this.cookies.find(request);
    if (session?.identity !== undefined) {
      await this.#mark(ofOne(session));
    }
  }

  clear(request: unknown): readonly string[] {
    return this.cookies.clear(request);
  }

  async knows(sid: string): Promise<boolean> {
    return (await this.store.get(this.#begunOf(sid))) !== undefined;
  }

  /** The tokens are in the cookies alone. */
  async endAll(of: SessionsOf): Promise<void> {
    await this.#mark(partsOf(of));
  }

  async #isEnded(session: KeptSession): Promise<boolean> {
    const { identity, startedAt = 0 } = session;
    if (identity === undefined) {
      return false;
    }
    const { sid, sub } = identity;
    const places = [ofOne(session), partsOf({ sub }), ...(sid === undefined ? [] : [partsOf({ sid })])];
    const marks = await Promise.all(places.map((place) => this.store.get(this.#markOf(place))));
    // What is no number ends the session as well.
    return marks.some((mark) => mark !== undefined && !(Number(mark) < startedAt));
  }

  async #mark(place: readonly string[]): Promise<void> {
    await this.store.set(this.#markOf(place), String(this.client.clock.now()), this.lifetime * 1000);
  }

  #begunOf(sid: string): string {
    return `begun:${clientHash(this.client, partsOf({ sid }))}`;
  }

  #markOf(place: readonly string[]): string {
    return `ended:${clientHash(this.client, place)}`;
  }
}

/** The place of the mark for one session alone. */
function ofOne({ identity, startedAt = 0 }: KeptSession): readonly string[] {
  return ['session', identity?.sub ?? '', String(startedAt)];
}
