import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';

import { member, text } from '../values/member.js';
import type { ResponseHeader } from './answer.js';
import { parseCookies, type Cookies } from './cookies.js';
import { FORM_MEDIA_TYPE, readForm } from './form.js';
import type { Parameters } from './parameters.js';

/** The part of Nest's adapter that is used here; an array is a header that comes several times. */
interface HeaderWriter {
  setHeader(response: unknown, name: string, value: string | readonly string[]): unknown;
  appendHeader(response: unknown, name: string, value: string): unknown;
  getHeader(response: unknown, name: string): unknown;
}

const EXPOSED = 'Access-Control-Expose-Headers';

/** Of our own headers, what scripts of other origins may read anyway (Fetch, CORS-safelisted response-header name). */
const SAFELISTED = ['Cache-Control'] as const;

/** The one place that knows Express from Fastify. */
@Injectable()
export class Platform {
  constructor(private readonly host: HttpAdapterHost) {}

  /** Node's request below the framework's. */
  raw(request: unknown): IncomingMessage {
    const raw = member(request, 'raw');
    if (isIncomingMessage(raw)) {
      return raw;
    }
    if (isIncomingMessage(request)) {
      return request;
    }
    throw new Error('Not an HTTP request: only the Express and Fastify adapters are supported');
  }

  /** Express keeps the response on the request. @internal */
  expressResponseOf(request: unknown): unknown {
    const response = member(request, 'res');
    if (response === undefined) {
      throw new Error('AuthGuard of @nestjs/passport works on Express only: use OidcLoginGuard');
    }
    return response;
  }

  method(request: unknown): string {
    return this.raw(request).method ?? '';
  }

  /** The path as it stood in the request line, before any prefix was cut off: not decoded, not normalised. */
  path(request: unknown): string {
    return target(this.raw(request), request).split('?', 1)[0] ?? '';
  }

  /** The query as it stood in the request line, without its question mark. */
  query(request: unknown): string {
    if (!written(this.raw(request), request).includes('?')) {
      return '';
    }
    const whole = target(this.raw(request), request);
    const mark = whole.indexOf('?');
    return mark === -1 ? '' : whole.slice(mark + 1);
  }

  /** A header's value as the framework shows it, so that a middleware may set it. */
  header(request: unknown, name: string): string | undefined {
    const headers = member(request, 'headers') ?? this.raw(request).headers;
    return text(member(headers, name.toLowerCase()));
  }

  /** Every line of the request with this header: Node shows only the first `Authorization` and hides the rest. */
  headerLines(request: unknown, name: string): readonly string[] {
    const wanted = name.toLowerCase();
    const { rawHeaders } = this.raw(request);
    const lines: string[] = [];
    for (let index = 0; index < rawHeaders.length; index += 2) {
      const header = rawHeaders[index];
      if (header?.length === wanted.length && header.toLowerCase() === wanted) {
        lines.push(rawHeaders[index + 1] ?? '');
      }
    }
    return lines;
  }

  cookies(request: unknown): Cookies {
    return parseCookies(this.header(request, 'cookie'));
  }

  /** The parameters of a form body, whether the application parses bodies or not. */
  form(request: unknown): Promise<Parameters> {
    return readForm({
      raw: this.raw(request),
      contentType: this.header(request, 'content-type'),
      parsed: member(request, 'body'),
      rawBody: member(request, 'rawBody'),
    });
  }

  /**
   * Makes Fastify hand a form to the route though the application has no parser for it (`bodyParser: false`); without,
   * it answers 415 before any guard. Express needs nothing.
   *
   * @internal
   */
  acceptForms(): void {
    const instance: unknown = this.host.httpAdapter?.getInstance();
    if (isFastify(instance) && !instance.hasContentTypeParser(FORM_MEDIA_TYPE)) {
      instance.addContentTypeParser(FORM_MEDIA_TYPE, (_request, _payload, done) => done(null, undefined));
    }
  }

  setHeader(response: unknown, name: string, value: string | readonly string[]): void {
    this.writer().setHeader(response, name, value);
  }

  /** Sets a header that nobody has set. */
  setDefault(response: unknown, name: string, value: string): void {
    if (this.writer().getHeader(response, name) === undefined) {
      this.writer().setHeader(response, name, value);
    }
  }

  /** Sets each header once; `Set-Cookie` lines are added to those that are there. */
  deliver(response: unknown, headers: readonly ResponseHeader[]): void {
    for (const [name, value] of headers) {
      const lines = [value].flat();
      if (name === 'Set-Cookie') {
        lines.forEach((line) => this.writer().appendHeader(response, name, line));
      } else {
        // Of one line, readers expect a string.
        this.setHeader(response, name, lines.length > 1 ? lines : lines.join());
      }
    }
  }

  /** What puts back these headers, and which of them scripts may read, as they are now. */
  remember(response: unknown, headers: readonly ResponseHeader[]): () => void {
    const names = [...headers.map(([name]) => name), EXPOSED];
    const before = names.map((name) => [name, this.writer().getHeader(response, name)] as const);
    return () => before.forEach(([name, value]) => this.putBack(response, name, value));
  }

  /** Where CORS is on, lets scripts of other origins read these headers, beside those that the application named. */
  expose(response: unknown, names: readonly string[]): void {
    if (this.getHeader(response, 'Access-Control-Allow-Origin') === undefined) {
      return;
    }
    const before = listOf(this.writer().getHeader(response, EXPOSED));
    const known = [...before, ...SAFELISTED].map((name) => name.toLowerCase());
    const added = names.filter((name) => !known.includes(name.toLowerCase()));
    if (added.length > 0) {
      // Not appended: on Fastify, Nest 11 would replace what is there.
      this.setHeader(response, EXPOSED, [...before, ...added].join(', '));
    }
  }

  getHeader(response: unknown, name: string): string | undefined {
    return text(this.writer().getHeader(response, name));
  }

  private putBack(response: unknown, name: string, value: unknown): void {
    if (typeof value === 'string' || isListOfText(value)) {
      this.setHeader(response, name, value);
    } else if (isHeaderHolder(response)) {
      // Nest's adapters have no such method; Express and Fastify name it alike.
      response.removeHeader(name);
    }
  }

  private writer(): HeaderWriter {
    return this.host.httpAdapter;
  }
}

interface FastifyLike {
  hasContentTypeParser(type: string): boolean;
  addContentTypeParser(
    type: string,
    parser: (request: unknown, payload: unknown, done: (error: null, body: undefined) => void) => void,
  ): void;
}

function isFastify(value: unknown): value is FastifyLike {
  return (
    typeof member(value, 'addContentTypeParser') === 'function' &&
    typeof member(value, 'hasContentTypeParser') === 'function'
  );
}

function isHeaderHolder(value: unknown): value is { removeHeader(name: string): unknown } {
  return typeof member(value, 'removeHeader') === 'function';
}

function isListOfText(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((line) => typeof line === 'string');
}

function isIncomingMessage(value: unknown): value is IncomingMessage {
  return Array.isArray(member(value, 'rawHeaders')) && typeof member(value, 'method') === 'string';
}

/** The elements of a header that is a list (RFC 9110, section 5.6.1), however many lines it has. */
function listOf(header: unknown): readonly string[] {
  return [header].flat().flatMap((line) => (typeof line === 'string' ? line.split(/\s*,\s*/).filter(Boolean) : []));
}

/** RFC 9112, section 3.2.2: a server also has to take the absolute form, `GET http://host/path`. */
const ABSOLUTE_FORM = /^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i;

/** The request target as it came; mounting and rewriting change `url` and keep `originalUrl`. */
function written(raw: IncomingMessage, request: unknown): string {
  return text(member(request, 'originalUrl')) ?? raw.url ?? '';
}

/** The request target in origin form. */
function target(raw: IncomingMessage, request: unknown): string {
  return written(raw, request).replace(ABSOLUTE_FORM, '').split('#', 1)[0] ?? '';
}
