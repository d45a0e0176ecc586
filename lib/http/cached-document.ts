import { isWithin, type Now } from '../clock/clock.js';
import { DEFAULT_RETRY_AFTER, ResponseError } from '../errors/errors.js';
import type { JsonObject } from '../values/json.js';
import type { HttpResponse } from './response.js';

const SHORTEST_LIFETIME = 60_000;
const LONGEST_LIFETIME = 3_600_000;
const DEFAULT_LIFETIME = 600_000;

/** Refresh-ahead: after this part of a lifetime a new copy is fetched, while the present one still serves. */
const REFRESH_AHEAD = 0.75;

/** Milliseconds after a failed fetch without another one, where something else can serve meanwhile. */
export const FAILURE_PAUSE = DEFAULT_RETRY_AFTER * 1000;

/** Media types that servers of plain files give to a file that they don't know. */
const UNKNOWN_FILE: readonly string[] = ['text/plain', 'application/octet-stream'];

interface Copy<T> {
  readonly value: T;
  readonly fetchedAt: number;
  readonly lifetime: number;
}

/** Fetches and parses a document; with `background`, within the longer time-out. */
export type LoadDocument<T> = (background: boolean) => Promise<{ value: T; response: HttpResponse }>;

/**
 * Parses a JSON document. An HTML page is never taken for one.
 *
 * @param mediaTypes those that the document's specification names
 * @throws {ResponseError} the document came as another media type, or is no JSON object
 */
export function jsonDocument(response: HttpResponse, mediaTypes: readonly string[]): JsonObject {
  if (![...mediaTypes, ...UNKNOWN_FILE].includes(response.mediaType)) {
    throw new ResponseError(
      'UNEXPECTED_CONTENT_TYPE',
      'The server publishes a document as a media type that is not JSON.',
      { facts: response.facts },
    );
  }
  return response.json();
}

/**
 * HTTP cache of one document.
 *
 * Callers at the same time share one fetch (single flight). A copy lives as long as its cache headers say, from a minute to
 * an hour. It is refreshed ahead of its end when somebody asks, and serves for a while longer when the server is down.
 * Failures are never cached.
 */
export class CachedDocument<T> {
  #copy: Copy<T> | undefined;
  #loading: Promise<T> | undefined;
  #failedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly load: LoadDocument<T>,
    private readonly now: Now,
    /** `maxStale`: milliseconds past its lifetime for which the last good copy serves while the server is down. */
    private readonly options: { readonly maxStale: number },
  ) {}

  /** When the present copy came, in milliseconds since the epoch. */
  get fetchedAt(): number | undefined {
    return this.#copy?.fetchedAt;
  }

  /** Whether the present copy serves, be it because the server is down. */
  get isKept(): boolean {
    const copy = this.#copy;
    return copy !== undefined && isWithin(this.now(), copy.fetchedAt, copy.lifetime + this.options.maxStale);
  }

  /** Whether a fetch is in flight; {@link refresh} would join it. */
  get isLoading(): boolean {
    return this.#loading !== undefined;
  }

  /** The document: at once while the present copy is fresh, else after a fetch. */
  get(): T | Promise<T> {
    const copy = this.#copy;
    if (copy === undefined) {
      return this.refresh();
    }
    const { fetchedAt, lifetime } = copy;
    const now = this.now();
    if (!isWithin(now, fetchedAt, lifetime)) {
      return this.#renew(copy, now);
    }
    if (!isWithin(now, fetchedAt, lifetime * REFRESH_AHEAD) && this.#loading === undefined && !this.#pauses(now)) {
      this.#start(true).catch(() => undefined);
    }
    return copy.value;
  }

  /** Fetches the document now. Callers meanwhile share the fetch. */
  refresh(): Promise<T> {
    return this.#loading ?? this.#start(false);
  }

  #renew({ value, fetchedAt, lifetime }: Copy<T>, now: number): T | Promise<T> {
    if (!isWithin(now, fetchedAt, lifetime + this.options.maxStale)) {
      return this.refresh();
    }
    return this.#pauses(now) ? value : this.refresh().catch(() => value);
  }

  #pauses(now: number): boolean {
    return isWithin(now, this.#failedAt, FAILURE_PAUSE);
  }

  #start(background: boolean): Promise<T> {
    const loading = this.#fetch(background).finally(() => {
      this.#loading = undefined;
    });
    this.#loading = loading;
    return loading;
  }

  async #fetch(background: boolean): Promise<T> {
    try {
      const { value, response } = await this.load(background);
      const now = this.now();
      this.#copy = { value, fetchedAt: now, lifetime: lifetimeOf(response, now) };
      this.#failedAt = Number.NEGATIVE_INFINITY;
      return value;
    } catch (error) {
      this.#failedAt = this.now();
      throw error;
    }
  }
}

/** Freshness lifetime in milliseconds (RFC 9111, section 4.2.1), within our bounds. */
function lifetimeOf(response: HttpResponse, now: number): number {
  const lifetime = maxAge(response) ?? untilExpiry(response, now) ?? DEFAULT_LIFETIME;
  return Math.min(Math.max(lifetime, SHORTEST_LIFETIME), LONGEST_LIFETIME);
}

function maxAge(response: HttpResponse): number | undefined {
  const directives = response.header('cache-control') ?? '';
  if (/(?:^|[\s,])no-(?:store|cache)(?:[\s,=]|$)/i.test(directives)) {
    return 0;
  }
  const [, seconds] = /(?:^|[\s,])max-age="?(\d+)"?(?:[\s,]|$)/i.exec(directives) ?? [];
  const age = Number(/^\d{1,10}$/.exec(response.header('age') ?? '')?.[0] ?? 0);
  return seconds === undefined ? undefined : (Number(seconds) - age) * 1000;
}

function untilExpiry(response: HttpResponse, now: number): number | undefined {
  const expires = Date.parse(response.header('expires') ?? '');
  return Number.isNaN(expires) ? undefined : expires - now;
}
