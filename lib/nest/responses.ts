import { Inject, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';

import { member, text } from '../values/member.js';
import type { ResponseHeader } from './answer.js';

/** The part of Nest's HTTP adapter that is used here. An array is a header that comes several times. */
interface HeaderWriter {
  setHeader(response: unknown, name: string, value: string | readonly string[]): unknown;
  appendHeader(response: unknown, name: string, value: string): unknown;
  getHeader(response: unknown, name: string): unknown;
}

const EXPOSED = 'Access-Control-Expose-Headers';

/** Our headers that scripts of other origins may read anyway (Fetch, CORS-safelisted response-header name). */
const SAFELISTED = ['Cache-Control'] as const;

/** Writes headers of HTTP responses, alike on Express and Fastify. */
@Injectable()
export class Responses {
  constructor(@Inject(HttpAdapterHost) private readonly host: HttpAdapterHost) {}

  setHeader(response: unknown, name: string, value: string | readonly string[]): void {
    this.#writer().setHeader(response, name, value);
  }

  /** Sets a header, unless it is set already. */
  setDefault(response: unknown, name: string, value: string): void {
    if (this.#writer().getHeader(response, name) === undefined) {
      this.#writer().setHeader(response, name, value);
    }
  }

  /** Sets headers. `Set-Cookie` lines are added to those that are there; every other header is replaced. */
  deliver(response: unknown, headers: readonly ResponseHeader[]): void {
    for (const [name, value] of headers) {
      const lines = [value].flat();
      if (name === 'Set-Cookie') {
        lines.forEach((line) => this.#writer().appendHeader(response, name, line));
      } else {
        // Of one line, readers expect a string.
        this.setHeader(response, name, lines.length > 1 ? lines : lines.join());
      }
    }
  }

  /** An undo: restores these headers, and the list of headers that scripts may read. */
  remember(response: unknown, headers: readonly ResponseHeader[]): () => void {
    const names = [...headers.map(([name]) => name), EXPOSED];
    const before = names.map((name) => [name, this.#writer().getHeader(response, name)] as const);
    return () => before.forEach(([name, value]) => this.#putBack(response, name, value));
  }

  /** Where CORS is on, lets scripts of other origins read these headers, beside those that the application named. */
  expose(response: unknown, names: readonly string[]): void {
    if (text(this.#writer().getHeader(response, 'Access-Control-Allow-Origin')) === undefined) {
      return;
    }
    const before = listOf(this.#writer().getHeader(response, EXPOSED));
    const known = [...before, ...SAFELISTED].map((name) => name.toLowerCase());
    const added = names.filter((name) => !known.includes(name.toLowerCase()));
    if (added.length > 0) {
      // Not appended: on Fastify, Nest 11 would replace what is there.
      this.setHeader(response, EXPOSED, [...before, ...added].join(', '));
    }
  }

  #putBack(response: unknown, name: string, value: unknown): void {
    if (typeof value === 'string' || isListOfText(value)) {
      this.setHeader(response, name, value);
    } else if (isHeaderHolder(response)) {
      // Nest's adapters have no such method; Express and Fastify name it alike.
      response.removeHeader(name);
    }
  }

  #writer(): HeaderWriter {
    return this.host.httpAdapter;
  }
}

function isHeaderHolder(value: unknown): value is { removeHeader(name: string): unknown } {
  return typeof member(value, 'removeHeader') === 'function';
}

function isListOfText(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((line) => typeof line === 'string');
}

/** The elements of a header that is a list (RFC 9110, section 5.6.1), however many lines it has. */
function listOf(header: unknown): readonly string[] {
  return [header].flat().flatMap((line) => (typeof line === 'string' ? line.split(/\s*,\s*/).filter(Boolean) : []));
}
