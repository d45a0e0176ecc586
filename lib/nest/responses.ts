import type { ServerResponse } from 'node:http';
import { finished } from 'node:stream/promises';
import type { Readable } from 'node:stream';

import { Inject, Injectable, StreamableFile } from '@nestjs/common';
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

  /**
   * Sets headers. `Set-Cookie` lines are added to those that are there; every other header is replaced.
   *
   * @throws {Error} the answer has begun, and its cookies would be lost
   */
  deliver(response: unknown, headers: readonly ResponseHeader[]): void {
    for (const [name, value] of headers) {
      const lines = [value].flat();
      if (name === 'Set-Cookie') {
        requireUnsent(response, lines);
        lines.forEach((line) => this.#writer().appendHeader(response, name, line));
      } else {
        // Of one line, readers expect a string.
        this.setHeader(response, name, lines.length > 1 ? lines : lines.join());
      }
    }
  }

  /** Answers with a text, whose headers must be set before. */
  send(response: unknown, body: string): void {
    this.host.httpAdapter.reply(response, body, 200);
  }

  /**
   * Answers with a stream, whose headers must be set before. Ends when the answer has gone or the browser has left. Where the
   * stream breaks off, so does the answer: nobody takes a part for the whole.
   *
   * @param type media type. As a header of its own, Express would add a charset to it
   */
  async stream(response: unknown, status: number, type: string | undefined, body: Readable): Promise<void> {
    const below = raw(response);
    const gone = finished(below).catch(() => undefined);
    const file = new StreamableFile(body, type === undefined ? {} : { type }).setErrorHandler(() => below.destroy());
    await this.host.httpAdapter.reply(response, file, status);
    await gone;
  }

  /** Aborts when the browser closes its connection, or the answer has gone. */
  closed(response: unknown): AbortSignal {
    const controller = new AbortController();
    const below = raw(response);
    below.once('close', () => controller.abort());
    if (below.destroyed) {
      controller.abort();
    }
    return controller.signal;
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

/** Node's response below the framework's. @throws {Error} it is of another adapter */
function raw(response: unknown): ServerResponse {
  const found = [member(response, 'raw'), response].find(isServerResponse);
  if (found === undefined) {
    throw new Error('Not an HTTP response: only the Express and Fastify adapters are supported');
  }
  return found;
}

function isServerResponse(value: unknown): value is ServerResponse {
  return typeof member(value, 'writeHead') === 'function' && typeof member(value, 'destroy') === 'function';
}

/** Fastify would say nothing. @throws {Error} the headers have gone */
function requireUnsent(response: unknown, lines: readonly string[]): void {
  if (lines.length > 0 && member(member(response, 'raw') ?? response, 'headersSent') === true) {
    throw new Error('The answer has begun, so that its cookies can not be set any more');
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
