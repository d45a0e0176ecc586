import type { IncomingMessage } from 'node:http';

import type { JsonObject } from '../values/json.js';
import { member, text, textMember } from '../values/member.js';
import { parseCookies, type Cookies } from './cookies.js';
import { readForm } from './form-body.js';
import { readJson } from './json-body.js';
import type { Parameters } from './parameters.js';

/*
 * Reads HTTP requests, alike on Express and Fastify. Imported as a whole: `requests.path(request)`.
 */

/** Node's request below the framework's. @throws {Error} it is no HTTP request, or of another adapter */
export function raw(request: unknown): IncomingMessage {
  const below = member(request, 'raw');
  if (isIncomingMessage(below)) {
    return below;
  }
  if (isIncomingMessage(request)) {
    return request;
  }
  throw new Error('Not an HTTP request: only the Express and Fastify adapters are supported');
}

/** Whether it is an HTTP request, of Node or of a framework. */
export function isHttp(request: unknown): request is object {
  return isIncomingMessage(member(request, 'raw')) || isIncomingMessage(request);
}

export function method(request: unknown): string {
  return raw(request).method ?? '';
}

/** The path as it stood in the request line, before any prefix was cut off: not decoded, not normalised. */
export function path(request: unknown): string {
  return target(request).split('?', 1)[0] ?? '';
}

/** The query as it stood in the request line, without its question mark. */
export function query(request: unknown): string {
  // Most requests have none, and need no more than this look.
  if (!written(request).includes('?')) {
    return '';
  }
  const whole = target(request);
  const mark = whole.indexOf('?');
  return mark === -1 ? '' : whole.slice(mark + 1);
}

/**
 * What stands in the request target below the route that answers it: the path as it was written, such as `/orders/1`, and the
 * query. `mount` is the path before that, as the browser asked for it.
 */
export function belowRoute(request: unknown): {
  readonly path: string;
  readonly query: string;
  readonly mount: string;
} {
  const { url = '' } = raw(request);
  const pattern = text(member(member(request, 'route'), 'path')) ?? textMember(member(request, 'routeOptions'), 'url');
  const segments = pattern.replace(/\/\*.*$/, '').split('/').length - 1;
  const routed = originForm(url).split('?', 1)[0] ?? '';
  const below = routed.replace(new RegExp(`^(?:/[^/]*){${segments}}`), '');
  const whole = path(request);
  return { path: below, query: query(request), mount: whole.slice(0, whole.length - below.length) };
}

/**
 * The host that the browser asked for, with its port; empty where it is not said. It is as the framework shows it: what a
 * proxy says in `X-Forwarded-Host` counts where the application trusts the proxy.
 */
export function host(request: unknown): string {
  return text(member(request, 'host')) ?? header(request, 'host') ?? '';
}

/** A header's value as the framework shows it, so that a middleware may set it. */
export function header(request: unknown, name: string): string | undefined {
  const headers = member(request, 'headers') ?? raw(request).headers;
  return text(member(headers, name.toLowerCase()));
}

/** Every line of the request with this header: Node shows only the first `Authorization` and hides the rest. */
export function headerLines(request: unknown, name: string): readonly string[] {
  const wanted = name.toLowerCase();
  const { rawHeaders } = raw(request);
  const lines: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const found = rawHeaders[index];
    if (found?.length === wanted.length && found.toLowerCase() === wanted) {
      lines.push(rawHeaders[index + 1] ?? '');
    }
  }
  return lines;
}

export function cookies(request: unknown): Cookies {
  return parseCookies(header(request, 'cookie'));
}

/**
 * The parameters of a form body, whether the application parses bodies or not.
 *
 * @throws {AuthorizationResponseError} `UNSUPPORTED_MEDIA_TYPE`, `BODY_TOO_LARGE`, `DUPLICATE_PARAMETER`, `INVALID_PARAMETER`
 */
export function form(request: unknown): Promise<Parameters> {
  return readForm({
    raw: raw(request),
    contentType: header(request, 'content-type'),
    parsed: member(request, 'body'),
    rawBody: member(request, 'rawBody'),
  });
}

/**
 * The JSON object that a body is, whether the application parses bodies or not.
 *
 * @throws {OidcError} it is none, or larger than 64 KB
 */
export function json(request: unknown): Promise<JsonObject> {
  return readJson(raw(request), member(request, 'body') ?? undefined);
}

/** The response, which Express keeps on the request. @throws {Error} the adapter is another one */
export function expressResponse(request: unknown): unknown {
  const response = member(request, 'res');
  if (response === undefined) {
    throw new Error('AuthGuard of @nestjs/passport works on Express only: use OidcLoginGuard');
  }
  return response;
}

function isIncomingMessage(value: unknown): value is IncomingMessage {
  return Array.isArray(member(value, 'rawHeaders')) && typeof member(value, 'method') === 'string';
}

/** RFC 9112, section 3.2.2: a server also has to take the absolute form, `GET http://host/path`. */
const ABSOLUTE_FORM = /^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i;

/** The request target in origin form. */
function target(request: unknown): string {
  return originForm(written(request));
}

function originForm(url: string): string {
  return url.replace(ABSOLUTE_FORM, '').split('#', 1)[0] ?? '';
}

/** The request target as it came; mounting and rewriting change `url` and keep `originalUrl`. */
function written(request: unknown): string {
  const { url = '' } = raw(request);
  return text(member(request, 'originalUrl')) ?? url;
}
