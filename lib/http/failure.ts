import { ResponseError, TransportError } from '../errors/errors.js';
import type { OidcError } from '../errors/oidc.error.js';
import { member, textMember } from '../values/member.js';

/** A call without an answer: its error, and whether it may be retried. */
export interface Failure {
  readonly error: OidcError;
  /**
   * `unanswered`: nothing came, and the server may never have seen the request. `broken`: the server began to answer.
   * `final`: a retry would end the same way.
   */
  readonly kind: 'unanswered' | 'broken' | 'final';
  /** Status of the answer, where its status or headers are the failure. */
  readonly status?: number;
}

/** Codes of Node and OpenSSL for a certificate or a handshake that is not good. */
const TLS =
  /^(CERT_|CRL_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|EPROTO$)/;

/** Undici's codes for a connection that takes too long. Headers are timed of a proxy's answer to CONNECT only. */
export const CONNECT_TIMEOUTS: readonly string[] = ['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT'];

const TIMEOUTS: readonly string[] = [...CONNECT_TIMEOUTS, 'ETIMEDOUT'];

/** What undici says of a proxy that opens no tunnel to the server; RFC 9110, section 9.3.6. */
const NO_TUNNEL = /^Proxy response \((\d{3})\)/;

/** Undici's code for a body that ends before its `Content-Length`. */
const BODY_TOO_SHORT = 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH';

const MALFORMED: readonly string[] = [BODY_TOO_SHORT, 'UND_ERR_HEADERS_OVERFLOW', 'UND_ERR_RES_EXCEEDED_MAX_SIZE'];

/**
 * Classifies an error of undici, of Node or of a `fetch`.
 *
 * The errors may come from other realms, so only names and codes tell them apart. Nothing else of them is kept, because
 * some hold the request with its credentials.
 *
 * @param answered whether the status and headers of an answer had come
 */
export function failureOf(error: unknown, answered: boolean): Failure {
  const { name, code, message } = facts(error);
  const cause = { name, code };
  if (TIMEOUTS.includes(code)) {
    return { error: timedOut(cause), kind: 'final' };
  }
  const [, status] = NO_TUNNEL.exec(message) ?? [];
  if (status !== undefined) {
    const text = 'The proxy opens no way to the server.';
    const refused = new TransportError('UPSTREAM_UNAVAILABLE', text, {
      cause,
      facts: { proxy_status: Number(status) },
    });
    return { error: refused, kind: 'unanswered' };
  }
  if (TLS.test(code)) {
    return {
      error: new TransportError('TLS_ERROR', 'The connection to the server is not secure.', { cause }),
      kind: 'final',
    };
  }
  if (answered && (code === BODY_TOO_SHORT || message.includes('Invalid EOF state'))) {
    return incomplete(cause);
  }
  // llhttp's errors have a name only; an unasked 100 or 101 reads as a socket error with one of these words.
  if (
    name === 'HTTPParserError' ||
    MALFORMED.includes(code) ||
    message === 'bad response' ||
    message === 'bad upgrade'
  ) {
    return { error: new ResponseError('MALFORMED_HTTP', 'The server does not speak HTTP.', { cause }), kind: 'final' };
  }
  return answered
    ? incomplete(cause)
    : {
        error: new TransportError('UPSTREAM_UNAVAILABLE', 'The server can not be reached.', { cause }),
        kind: 'unanswered',
      };
}

function incomplete(cause: unknown): Failure {
  return {
    error: new ResponseError('RESPONSE_INCOMPLETE', "The server's answer broke off.", { cause }),
    kind: 'broken',
  };
}

export function timedOut(cause?: unknown): TransportError {
  return new TransportError('UPSTREAM_TIMEOUT', 'The server did not answer in time.', { cause });
}

/** Name, code and message of an error. A `fetch` hides the real error in `cause`. */
function facts(error: unknown): { readonly name: string; readonly code: string; readonly message: string } {
  const cause = textMember(error, 'code') === '' ? member(error, 'cause') : undefined;
  const telling = cause === undefined ? error : cause;
  return {
    name: textMember(telling, 'name'),
    code: textMember(telling, 'code'),
    message: textMember(telling, 'message'),
  };
}
