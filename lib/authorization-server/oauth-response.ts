import { OAuthError, ResponseError, type OAuthErrorOptions } from '../errors/errors.js';
import { OidcError } from '../errors/oidc.error.js';
import { challengesIn } from '../http/challenges.js';
import type { HttpResponse } from '../http/response.js';
import type { Endpoint } from '../metadata/server-metadata.js';
import type { JsonObject } from '../values/json.js';
import { text } from '../values/member.js';
import { secretsOf, withoutSecrets } from './sent-secrets.js';

/** Errors about the client: the server does not accept it as it is configured. */
const ABOUT_THE_CLIENT: readonly string[] = ['invalid_client', 'unauthorized_client'];

/** Error code: the letters that registered ones have (RFC 6749, section 5.2). */
const OAUTH_ERROR = /^[a-z_]{1,64}$/;

/** As {@link requireStatus}, with status 200. */
export function requireOk(response: HttpResponse, endpoint: Endpoint): void {
  requireStatus(response, 200, endpoint);
}

/**
 * Requires a status. Another answer is thrown as the error that it tells of (RFC 6749, section 5.2).
 *
 * @throws {OAuthError} the server refused with an error of OAuth
 * @throws {ResponseError} it answered something else
 */
export function requireStatus(response: HttpResponse, status: 200 | 201 | 204, endpoint: Endpoint): void {
  if (response.status === status) {
    return;
  }
  const error = refusalOf(response);
  if (error === undefined) {
    throw new ResponseError('UNEXPECTED_STATUS', `The server answered ${response.status} without an OAuth error.`, {
      facts: response.facts,
    });
  }
  throw oauthError(error, endpoint, { facts: response.facts, error_description: descriptionOf(response) });
}

/** Whether the server refused to believe who the client is. */
export function isClientRefused(response: HttpResponse): boolean {
  return response.status !== 200 && refusalOf(response) === 'invalid_client';
}

/** The error code, of the body or a challenge. A 401 without one is about the client (RFC 6749, section 5.2). */
function refusalOf(response: HttpResponse): string | undefined {
  return (
    errorOf(response) ?? (response.status === 401 ? (challenged(response, 'error') ?? 'invalid_client') : undefined)
  );
}

/** The error for an error code of the server. A code with other letters than registered ones is not repeated. */
export function oauthError(error: string, endpoint: Endpoint, options?: OAuthErrorOptions): OAuthError {
  const name = OAUTH_ERROR.test(error) ? error : 'invalid_error';
  return ABOUT_THE_CLIENT.includes(name)
    ? new OAuthError(
        'CLIENT_MISCONFIGURED',
        name,
        `The server's ${endpoint} does not accept this client as it is configured: ${name}.`,
        options,
      )
    : new OAuthError('OP_ERROR', name, 'The server refused the request.', options);
}

/** Whether an error code is well-formed and blames the request, not the client. */
export function isAboutTheRequest(error: string): boolean {
  return OAUTH_ERROR.test(error) && !ABOUT_THE_CLIENT.includes(error);
}

/** The error code of an error response, as it came. */
export function errorOf(response: HttpResponse): string | undefined {
  return memberOf(response, 'error');
}

/** The error description, from the body or a challenge. Secrets that were sent to the server are masked in it. */
export function descriptionOf(response: HttpResponse): string | undefined {
  const description = memberOf(response, 'error_description') ?? challenged(response, 'error_description');
  return description && withoutSecrets(description, response.request ? secretsOf(response.request) : []);
}

/** A parameter of the first challenge that has it (RFC 6750, section 3). */
function challenged({ headers }: HttpResponse, name: 'error' | 'error_description'): string | undefined {
  return challengesIn(headers['www-authenticate'])
    .find(({ parameters }) => parameters.has(name))
    ?.parameters.get(name);
}

function memberOf(response: HttpResponse, name: 'error' | 'error_description'): string | undefined {
  if (response.status < 400 || response.mediaType !== 'application/json') {
    return undefined;
  }
  try {
    return text(response.json()[name]);
  } catch (problem) {
    if (problem instanceof OidcError) {
      return undefined;
    }
    throw problem;
  }
}

/**
 * The body of a JSON response.
 *
 * @throws {ResponseError} the media type is not JSON, or the body is not
 */
export function requireJson(response: HttpResponse): JsonObject {
  if (response.mediaType !== 'application/json') {
    throw new ResponseError('UNEXPECTED_CONTENT_TYPE', 'The server answered in a media type that is not JSON.', {
      facts: response.facts,
    });
  }
  return response.json();
}

/** Line feed, carriage return and space. */
const BLANKS: readonly number[] = [0x0a, 0x0d, 0x20];

/**
 * The JWT that a body is. Blanks behind it are not part of it (RFC 7515, section 7.1).
 *
 * They are searched from the end: a pattern would try each blank of a body that is full of them.
 */
export function jwtOf({ bytes }: HttpResponse): string {
  const last = bytes.findLastIndex((byte) => !BLANKS.includes(byte));
  return Buffer.from(bytes.buffer, bytes.byteOffset, last + 1).toString('latin1');
}
