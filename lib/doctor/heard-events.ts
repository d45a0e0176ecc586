import type { OperatorEvent, OperatorPort } from '../events/operator-events.js';
import { lineOf } from '../module/operator-log.js';
import type { Level, Line } from './report.js';

const LEVELS: Readonly<Partial<Record<ReturnType<typeof lineOf>['level'], Level>>> = {
  warn: 'warning',
  error: 'problem',
};

/** What the library tells its operator while it is examined, for the report in place of the log. */
export class HeardEvents implements OperatorPort {
  readonly #lines = new Map<string, Line>();

  report(event: OperatorEvent): void {
    const { level: given, text } = lineOf(event);
    const level = LEVELS[given];
    if (level !== undefined) {
      this.#lines.set(text, { level, text });
    }
  }

  /** The lines since the last time, each once. */
  take(): readonly Line[] {
    const lines = [...this.#lines.values()];
    this.#lines.clear();
    return lines;
  }
}
