import type { OidcErrorCode } from './codes.js';

/**
 * Facts about an error for the log: what was seen and what was expected, such as claims, URLs, statuses and error codes of
 * the system. Never a token, a code, a secret, a `sub` or a name of a person.
 */
export type ErrorFacts = Readonly<Record<string, string | number | readonly string[] | undefined>>;

/** A claim, a header parameter or a member as a fact: text and lists of text as they are, anything else as JSON. */
export function factOf(value: unknown): string | readonly string[] | undefined {
  const isText = (item: unknown): item is string => typeof item === 'string';
  return isText(value) || (Array.isArray(value) && value.every(isText)) ? value : JSON.stringify(value);
}

/** Options of every {@link OidcError}. */
export interface OidcErrorOptions {
  /** The error behind this one. It never has a token, a secret or a provider's whole answer. */
  readonly cause?: unknown;
  /** Facts for the log, which shortens and escapes them. */
  readonly facts?: ErrorFacts | undefined;
}

/**
 * Base class of every error of this library.
 *
 * `code` is stable and meant for programs. `message` is a fixed sentence that repeats no input of a stranger.
 *
 * ```ts
 * if (error instanceof OidcError && error.code === 'UPSTREAM_TIMEOUT') {
 *   logger.warn(error.message, error.facts);
 * }
 * ```
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

  /** Facts for the operator. Strangers may have written them: escape them in what you print. */
  get facts(): ErrorFacts {
    return this.#facts;
  }

  /**
   * Adds facts that only a caller further up knows, such as the URL of the call. Facts that are there already stay.
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
