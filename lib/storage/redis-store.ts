import { StoreError } from '../errors/errors.js';
import { member, text, textMember } from '../values/member.js';
import type { OidcStore } from './oidc-store.js';

/** The part of an `ioredis` client, single or cluster, that is used here. */
export interface IoRedisClient {
  readonly status: string;
  get(key: string): Promise<string | null>;
  set(key: string, value: string, unit: 'PX', lifetime: number): Promise<unknown>;
  set(key: string, value: string, unit: 'PX', lifetime: number, condition: 'NX'): Promise<unknown>;
  del(key: string): Promise<unknown>;
  getdel(key: string): Promise<string | null>;
  zrem(key: string, member: string): Promise<unknown>;
  eval(script: string, keys: number, ...keysAndValues: (string | number)[]): Promise<unknown>;
  config(command: 'GET', parameter: string): Promise<unknown>;
}

/** The part of a `redis` client that is used here. */
export interface NodeRedisClient {
  readonly isReady: boolean;
  get(key: string): Promise<unknown>;
  set(key: string, value: string, options: object): Promise<unknown>;
  del(key: string): Promise<unknown>;
  getDel(key: string): Promise<unknown>;
  zRem(key: string, member: string): Promise<unknown>;
  eval(script: string, options: { readonly keys: string[]; readonly arguments: string[] }): Promise<unknown>;
  configGet(parameter: string): Promise<unknown>;
}

/** A client of `ioredis` or of `redis`, single or cluster: what a {@link RedisStore} takes. */
export type RedisClient = IoRedisClient | NodeRedisClient;

/** How a {@link RedisStore} uses Redis. */
export interface RedisStoreOptions {
  /** Prefix of every key. Default `nestjs-oidc:`. */
  readonly prefix?: string;
  /** Milliseconds for a command. Default 500. */
  readonly commandTimeout?: number;
}

/** Milliseconds after a command that timed out, during which other commands fail at once. */
const PAUSE = 1000;

/** Errors of a cluster or a failover that a second try gets past. */
const RETRYABLE: readonly string[] = ['READONLY', 'MOVED', 'ASK', 'LOADING', 'TRYAGAIN', 'CLUSTERDOWN', 'MASTERDOWN'];

/** Lua: replaces a value, where it is the expected one. */
const REPLACE = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1`;

/** Lua: milliseconds since the epoch, by the clock of Redis. */
const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)`;

/**
 * Lua: adds a member to a set. It is a sorted set by the end of each member's lifetime: those that are over are removed, and
 * the key lives as long as its last member.
 */
const ADD = `${NOW}
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
redis.call('PEXPIRE', KEYS[1], last[2] - now)`;

/** Lua: the members of a set whose lifetime is not over. */
const MEMBERS = `${NOW}
return redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now, '+inf')`;

/** The commands that are used, under one name for both clients. */
interface Commands {
  isReady(): boolean;
  get(key: string): Promise<unknown>;
  set(key: string, value: string, lifetime: number): Promise<unknown>;
  claim(key: string, value: string, lifetime: number): Promise<unknown>;
  delete(key: string): Promise<unknown>;
  take(key: string): Promise<unknown>;
  remove(key: string, member: string): Promise<unknown>;
  /** Runs a script about one key, atomically. */
  run(script: string, key: string, ...values: string[]): Promise<unknown>;
  configuration(parameter: string): Promise<unknown>;
}

/**
 * Redis store, for Redis 6.2 or later with `EVAL`, over the application's own client of `ioredis` or `redis`.
 *
 * The application connects, configures and closes the client. Every key has a lifetime. While the client is not connected
 * each call fails at once, and a command without an answer fails after half a second: nobody queues for a Redis that is
 * gone.
 *
 * ```ts
 * import { Redis } from 'ioredis';
 * import { RedisStore } from 'nestjs-oidc/redis';
 *
 * const redis = new Redis('redis://127.0.0.1:6379');
 * redis.on('error', ({ message }) => console.error(message));
 * OidcModule.forRoot({ ...options, store: new RedisStore(redis) });
 * ```
 *
 * A client of `redis` has to be connected first (`await client.connect()`), and needs a listener of `error` as well.
 *
 * Where DPoP proofs are kept, set `maxmemory-policy noeviction`: a used proof that is evicted can be used again. The same
 * holds for a proof whose write was lost in a failover.
 */
export class RedisStore implements OidcStore {
  readonly #commands: Commands;
  readonly #prefix: string;
  readonly #timeout: number;
  #hungAt = Number.NEGATIVE_INFINITY;

  constructor(client: RedisClient, options: RedisStoreOptions = {}) {
    const { prefix = 'nestjs-oidc:', commandTimeout = 500 } = options;
    this.#commands = 'getDel' in client ? nodeRedis(client) : ioRedis(client);
    this.#prefix = prefix;
    this.#timeout = commandTimeout;
  }

  async get(key: string): Promise<string | undefined> {
    return text(await this.#run(() => this.#commands.get(this.#prefix + key)));
  }

  async set(key: string, value: string, lifetime: number): Promise<void> {
    await this.#run(() => this.#commands.set(this.#prefix + key, value, whole(lifetime)));
  }

  async delete(key: string): Promise<void> {
    await this.#run(() => this.#commands.delete(this.#prefix + key));
  }

  async claim(key: string, value: string, lifetime: number): Promise<boolean> {
    return (await this.#run(() => this.#commands.claim(this.#prefix + key, value, whole(lifetime)))) === 'OK';
  }

  async take(key: string): Promise<string | undefined> {
    return text(await this.#run(() => this.#commands.take(this.#prefix + key)));
  }

  async replace(key: string, expected: string, value: string, lifetime: number): Promise<boolean> {
    return (await this.#runScript(REPLACE, key, expected, value, String(whole(lifetime)))) === 1;
  }

  async add(key: string, member: string, lifetime: number): Promise<void> {
    await this.#runScript(ADD, key, member, String(whole(lifetime)));
  }

  async members(key: string): Promise<readonly string[]> {
    const found = await this.#runScript(MEMBERS, key);
    return Array.isArray(found) ? found.flatMap((one) => text(one) ?? []) : [];
  }

  async remove(key: string, member: string): Promise<void> {
    await this.#run(() => this.#commands.remove(this.#prefix + key, member));
  }

  /** Checks `maxmemory-policy`. Many hosted Redis don't show their configuration: those are trusted. */
  async weakness(): Promise<string | undefined> {
    try {
      // Not #inTime: at boot the client may still be connecting.
      const reply = await this.#raced(() => this.#commands.configuration('maxmemory-policy'));
      const policy = Array.isArray(reply) ? reply[1] : member(reply, 'maxmemory-policy');
      return policy === undefined || policy === 'noeviction'
        ? undefined
        : 'The maxmemory-policy of Redis is not noeviction: a used DPoP proof may be forgotten early, and be good again.';
    } catch {
      return undefined;
    }
  }

  #runScript(script: string, key: string, ...values: string[]): Promise<unknown> {
    return this.#run(() => this.#commands.run(script, this.#prefix + key, ...values));
  }

  async #run(command: () => Promise<unknown>): Promise<unknown> {
    try {
      return await this.#inTime(command);
    } catch (error) {
      if (RETRYABLE.includes(wordOf(error))) {
        return this.#inTime(command).catch((second: unknown) => {
          throw failed(second);
        });
      }
      throw failed(error);
    }
  }

  async #inTime(command: () => Promise<unknown>): Promise<unknown> {
    if (!this.#commands.isReady() || performance.now() - this.#hungAt < PAUSE) {
      throw new StoreError('STORE_UNAVAILABLE', 'The store can not be reached.');
    }
    return this.#raced(command);
  }

  async #raced(command: () => Promise<unknown>): Promise<unknown> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        this.#hungAt = performance.now();
        reject(new StoreError('STORE_TIMEOUT', 'The store did not answer in time.'));
      }, this.#timeout);
    });
    try {
      // A later rejection of the loser is handled: race has subscribed to both.
      return await Promise.race([command(), late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

function ioRedis(client: IoRedisClient): Commands {
  return {
    isReady: () => client.status === 'ready',
    get: (key) => client.get(key),
    set: (key, value, lifetime) => client.set(key, value, 'PX', lifetime),
    claim: (key, value, lifetime) => client.set(key, value, 'PX', lifetime, 'NX'),
    delete: (key) => client.del(key),
    take: (key) => client.getdel(key),
    remove: (key, member) => client.zrem(key, member),
    run: (script, key, ...values) => client.eval(script, 1, key, ...values),
    configuration: (parameter) => client.config('GET', parameter),
  };
}

function nodeRedis(client: NodeRedisClient): Commands {
  return {
    isReady: () => client.isReady,
    get: (key) => client.get(key),
    set: (key, value, lifetime) => client.set(key, value, { PX: lifetime }),
    claim: (key, value, lifetime) => client.set(key, value, { PX: lifetime, NX: true }),
    delete: (key) => client.del(key),
    take: (key) => client.getDel(key),
    remove: (key, member) => client.zRem(key, member),
    run: (script, key, ...values) => client.eval(script, { keys: [key], arguments: values }),
    configuration: (parameter) => client.configGet(parameter),
  };
}

function whole(lifetime: number): number {
  return Math.max(1, Math.ceil(lifetime));
}

/** Keeps only the kind of the client's error: some errors name the host, the user or the key. */
function failed(error: unknown): StoreError {
  return error instanceof StoreError
    ? error
    : new StoreError('STORE_UNAVAILABLE', 'The store can not be reached.', { cause: { reply: wordOf(error) } });
}

/** The kind of an error: the word that Redis puts first, such as `READONLY`, or Node's code. */
function wordOf(error: unknown): string {
  const [word = ''] = /^[A-Z]{2,20}\b/.exec(textMember(error, 'message')) ?? [];
  const [code = ''] = /^[A-Z_]{2,40}$/.exec(textMember(error, 'code')) ?? [];
  return word || code;
}
