import { HttpException, HttpStatus } from '@nestjs/common';

import { DEFAULT_RETRY_AFTER, TransportError } from '../errors/errors.js';
import type { OidcError } from '../errors/oidc.error.js';
import type { OidcExceptionBody } from './oidc.exception.js';

/** Status and body of an answer in place of the handler's. */
export interface Answer extends OidcExceptionBody {
  readonly status: number;
}

/** A response header. A list is a header that comes several times. */
export type ResponseHeader = readonly [name: string, value: string | readonly string[]];

/** `Retry-After` (RFC 9110, section 10.2.3): the server's value, else the default. */
export function retryAfterOf(error: OidcError): ResponseHeader {
  const seconds = error instanceof TransportError ? error.retryAfter : DEFAULT_RETRY_AFTER;
  return ['Retry-After', String(Math.ceil(seconds))];
}

/**
 * The security headers of every answer that a guard gives to a browser itself. No cache keeps the answer (RFC 9111, section
 * 5.2.2.5), no other site is told the address with `code` and `state` (RFC 9700, section 4.2.4), and no body is taken for
 * HTML.
 */
export const PRIVATE_ANSWER: readonly ResponseHeader[] = [
  ['Cache-Control', 'no-store'],
  ['Referrer-Policy', 'no-referrer'],
  ['X-Content-Type-Options', 'nosniff'],
];

/**
 * For a request whose answer has gone already: it never settles, as Passport leaves a request that it has redirected. An
 * exception would run the application's filters, which answer once more; where an async one does, the error ends the process.
 */
export function answered(): Promise<never> {
  return new Promise(() => undefined);
}

/**
 * The exception that ends a request with a redirect. `Location` must be set before. Only an exception runs neither handler
 * nor interceptors, and works on both adapters and under a catch-all filter.
 */
export class SeeOther extends HttpException {
  constructor() {
    super({}, HttpStatus.SEE_OTHER);
  }
}
