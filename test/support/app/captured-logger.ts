import { inspect } from 'node:util';

import type { LoggerService } from '@nestjs/common';

export type LogLevel = 'log' | 'error' | 'warn' | 'debug' | 'verbose' | 'fatal';

export interface LogLine {
  readonly level: LogLevel;
  /** Such as `OidcStrategy`. */
  readonly context: string | undefined;
  readonly message: string;
  /** Everything that was handed over, as a log would print it at its most talkative. */
  readonly text: string;
}

/** Keeps every line of every level, and prints none. */
export class CapturedLogger implements LoggerService {
  readonly lines: LogLine[] = [];

  log(...args: readonly unknown[]): void {
    this.#keep('log', args);
  }

  error(...args: readonly unknown[]): void {
    this.#keep('error', args);
  }

  warn(...args: readonly unknown[]): void {
    this.#keep('warn', args);
  }

  debug(...args: readonly unknown[]): void {
    this.#keep('debug', args);
  }

  verbose(...args: readonly unknown[]): void {
    this.#keep('verbose', args);
  }

  fatal(...args: readonly unknown[]): void {
    this.#keep('fatal', args);
  }

  #keep(level: LogLevel, args: readonly unknown[]): void {
    const context = args.length > 1 ? args.at(-1) : undefined;
    this.lines.push({
      level,
      context: typeof context === 'string' ? context : undefined,
      message: String(args[0]),
      text: args.map((arg) => (typeof arg === 'string' ? arg : inspect(arg, { depth: 9 }))).join(' '),
    });
  }
}
