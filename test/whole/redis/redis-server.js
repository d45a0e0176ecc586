import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setTimeout } from 'node:timers/promises';

import { freePort, isListening } from '../../support/ports.js';

/** Where a Redis of this machine stands; `REDIS_SERVER` names another one. */
const places = [
  process.env.REDIS_SERVER,
  '/usr/bin/redis-server',
  '/usr/local/bin/redis-server',
  '/opt/homebrew/bin/redis-server',
];

/** The path of a redis-server, or `undefined` when there is none: the tests in this folder then can not run. */
export const redisServerPath = places.find((place) => place && existsSync(place));

/** For stores of a Redis that answers: on a machine that does other things as well it may take its time. */
export const PATIENT = { commandTimeout: 60_000 };

/** A Redis of the tests' own, on a free loopback port, that keeps nothing on disk. */
export class RedisServer {
  #process;

  static async start(...options) {
    const server = new RedisServer();
    server.port = await freePort();
    server.options = options;
    await server.resurrect();
    return server;
  }

  /** Starts it on the same port again. */
  async resurrect() {
    const port = String(this.port);
    const own = ['--bind', '127.0.0.1', '--port', port, '--save', '', '--appendonly', 'no', '--dir', tmpdir()];
    this.#process = spawn(redisServerPath, [...own, ...this.options], { stdio: 'ignore' });
    while (!(await isListening(this.port))) {
      await setTimeout(10);
    }
  }

  /** As a crash would. */
  async kill() {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const ended = once(this.#process, 'exit');
      this.#process.kill('SIGKILL');
      await ended;
    }
  }

  /** It keeps its connections and answers nothing. */
  pause() {
    this.#process.kill('SIGSTOP');
  }

  resume() {
    this.#process.kill('SIGCONT');
  }
}
