import { LRUCache } from 'lru-cache';

import type { Now } from '../clock/clock.js';
import type { OidcError } from '../errors/oidc.error.js';
import { Health } from './health.js';
import { Places } from './places.js';

/** More than one server has; the one called longest ago is forgotten. */
const MOST_ENDPOINTS = 100;

/**
 * One origin of a server: its health, which all calls share, and the places at each of its endpoints, so that a flood at
 * one leaves room at the others.
 */
export class Upstream {
  readonly #health: Health;
  /** By URL. */
  readonly #places = new LRUCache<string, Places>({ max: MOST_ENDPOINTS });

  constructor(
    now: Now,
    private readonly maxConcurrent: number,
  ) {
    this.#health = new Health(now);
  }

  /**
   * @param patience milliseconds to wait for a place at the endpoint
   * @returns what is to be left again; at once where there is room
   * @throws {TransportError} there is no place, or nobody may call
   */
  enter(url: string, patience: number): Places | Promise<Places> {
    const { refusal } = this.#health;
    if (refusal !== undefined) {
      throw refusal;
    }
    const places = this.#placesAt(url);
    return places.enter(patience)?.then(() => places) ?? places;
  }

  /** As {@link Health.open}. */
  open(): void {
    this.#health.open();
  }

  /** As {@link Health.report}; who waits while the server is to be left alone is told so at once. */
  report(error: OidcError | undefined): void {
    this.#health.report(error);
    const { refusal } = this.#health;
    if (refusal !== undefined) {
      this.#places.forEach((places) => places.refuse(refusal));
    }
  }

  #placesAt(url: string): Places {
    const known = this.#places.get(url);
    if (known !== undefined) {
      return known;
    }
    const places = new Places(this.maxConcurrent, url);
    this.#places.set(url, places);
    return places;
  }
}
