import type { OidcErrorCode } from './codes.js';

/**
 * What was seen and what was wanted, by name: claims, URLs, statuses, a system's error code. Never a token, a code, a
 * secret, a `sub` or a name of a person.
 */
export type ErrorFacts = Readonly<Record<string, string | number | readonly string[] | undefined>>;

/** A claim, a header parameter or a member as a fact: text and lists of text as they are, anything else as JSON. */
export function factOf(value: unknown): string | readonly string[] | undefined {
  const isText = (item: unknown): item is string => typeof item === 'string';
  return isText(value) || (Array.isArray(value) && value.every(isText)) ? value : JSON.stringify(value);
}

export interface OidcErrorOptions {
  /** What led here. Never carries a token, a secret or a provider's whole answer. */
  readonly cause?: unknown;
  /** For the log; it prints them shortened and escaped. */
  readonly facts?: ErrorFacts | undefined;
}

/**
 * The base of every error this library throws.
 *
 * `code` is stable and meant for programs; `message` is a fixed, safe sentence that repeats no input of a stranger.
 */
export abstract class OidcError<Code extends OidcErrorCode = OidcErrorCode> extends Error {
  #facts: ErrorFacts;

  constructor(
    readonly code: Code,
    message: string,
    options?: OidcErrorOptions,
  ) {
    super(message, options);
    this.name = new.target.name;
    this.#facts = options?.facts ?? {};
  }

  /** What an operator needs to mend it. A stranger may have written it: print it with care. */
  get facts(): ErrorFacts {
    return this.#facts;
  }

  /**
   * Adds what is known only further out, such as the URL of the call; what is there already stays.
   *
   * @internal
   */
  addFacts(facts: ErrorFacts): void {
    this.#facts = { ...facts, ...this.#facts };
  }

  toJSON(): { name: string; code: Code; message: string } {
    return { name: this.name, code: this.code, message: this.message };
  }
}
