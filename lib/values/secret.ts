import { inspect } from 'node:util';

const PRINTED = '[secret]';

/**
 * A secret. However it is printed, as text, as JSON or by `inspect`, it reads `[secret]`.
 *
 * ```ts
 * console.log(new Secret('hunter2')); // [secret]
 * ```
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
    Object.freeze(this);
  }

  /** The value itself, for code that sends it or computes with it. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return PRINTED;
  }

  toJSON(): string {
    return PRINTED;
  }

  [inspect.custom](): string {
    return PRINTED;
  }
}
