import type { OidcErrorCode } from './codes.js';

export interface OidcErrorOptions {
  /** What led here. Never carries a token, a secret or a provider's whole answer. */
  readonly cause?: unknown;
}

/**
 * The base of every error this library throws.
 *
 * `code` is stable and meant for programs; `message` is a fixed, safe sentence that repeats no input of a stranger.
 */
export abstract class OidcError<Code extends OidcErrorCode = OidcErrorCode> extends Error {
  constructor(
    readonly code: Code,
    message: string,
    options?: OidcErrorOptions,
  ) {
    super(message, options);
    this.name = new.target.name;
  }

  toJSON(): { name: string; code: Code; message: string } {
    return { name: this.name, code: this.code, message: this.message };
  }
}
