import { HttpException, HttpStatus } from '@nestjs/common';

import { DEFAULT_RETRY_AFTER, TransportError } from '../errors/errors.js';
import type { OidcError } from '../errors/oidc.error.js';
import type { OidcExceptionBody } from './oidc.exception.js';

/** How a guard answers instead of the handler. */
export interface Answer extends OidcExceptionBody {
  readonly status: number;
}

/** A header of an answer; a list is a header that comes several times. */
export type ResponseHeader = readonly [name: string, value: string | readonly string[]];

/** When to come again (RFC 9110, section 10.2.3): when the server said, or soon. */
export function retryAfterOf(error: OidcError): ResponseHeader {
  const seconds = error instanceof TransportError ? error.retryAfter : DEFAULT_RETRY_AFTER;
  return ['Retry-After', String(Math.ceil(seconds))];
}

/**
 * On every answer that a guard gives to a browser itself: it is for one person at one time (RFC 9111, section 5.2.2.5),
 * the address with `code` and `state` goes nowhere (RFC 9700, section 4.2.4), and what looks like HTML is not.
 */
export const PRIVATE_ANSWER: readonly ResponseHeader[] = [
  ['Cache-Control', 'no-store'],
  ['Referrer-Policy', 'no-referrer'],
  ['X-Content-Type-Options', 'nosniff'],
];

/**
 * Ends a request that a guard has answered with a redirect: `Location` is already set. An exception is the only ending
 * that runs neither handler nor interceptors and is clean on both adapters and under a catch-all filter.
 */
export class SeeOther extends HttpException {
  constructor() {
    super({}, HttpStatus.SEE_OTHER);
  }
}
