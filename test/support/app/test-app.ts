import type { Server } from 'node:http';

import type { INestApplication } from '@nestjs/common';
import { request } from 'undici';

import type { ClientMetadata, OidcException } from '../../../lib/index.js';
import type { RegisteredClient } from '../../../lib/testing/provider/clients.js';
import type { TestClock } from '../clock.js';
import type { HostileProvider } from '../provider/hostile-provider.js';
import type { Handled } from './app-controllers.js';
import type { CapturedLogger, LogLine } from './captured-logger.js';
import type { Recorder } from './recorder.js';
import { TestResponse } from './test-response.js';

export type Adapter = 'express' | 'fastify';

/** What an application needs to know of its provider. */
export interface AppProvider {
  readonly issuer: string;
  readonly clock: TestClock;
  register(client: RegisteredClient): void;
  close(): Promise<void>;
}

export interface RequestOptions {
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS';
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Uint8Array;
}

/** An application that runs, and what it did. */
export class TestApp<P extends AppProvider = HostileProvider> {
  #handledBefore = 0;

  constructor(
    readonly adapter: Adapter,
    readonly nest: INestApplication,
    readonly op: P,
    /** Where it listens: `http://127.0.0.1:<port>`. */
    readonly address: string,
    /** Its origin in the browser; without `publicUrl` the address. */
    readonly url: string,
    readonly client: ClientMetadata,
    private readonly logger: CapturedLogger,
    private readonly recorder: Recorder,
    private readonly handlers: Handled,
  ) {
    const server: Server = nest.getHttpServer();
    server.prependListener('request', () => {
      this.#handledBefore = handlers.calls.length;
    });
  }

  get clock(): TestClock {
    return this.op.clock;
  }

  /** Every line of every level since the boot began. */
  get logs(): readonly LogLine[] {
    return this.logger.lines;
  }

  /** What the guards threw; `refusals[0]?.cause?.code` is the fine code. */
  get refusals(): readonly OidcException[] {
    return this.recorder.refusals;
  }

  /** Everything that was thrown and is no refusal. */
  get errors(): readonly unknown[] {
    return this.recorder.errors;
  }

  /** The handlers that ran: `GET /orders`. */
  get handled(): readonly string[] {
    return this.handlers.calls;
  }

  /** Those that ran since the last request came, by whatever way. */
  get handledByLast(): readonly string[] {
    return this.handlers.calls.slice(this.#handledBefore);
  }

  /** The code behind the last refusal. */
  get lastCode(): string | undefined {
    return this.refusals.at(-1)?.cause?.code;
  }

  /** One request without cookies and without redirects, at the host that the application has in the browser. */
  async request(path: string, { method = 'GET', headers = {}, body }: RequestOptions = {}): Promise<TestResponse> {
    const answer = await request(this.address + path, {
      method,
      headers: { host: new URL(this.url).host, ...headers },
      body: body ?? null,
      reset: true,
    });
    return TestResponse.of(answer.statusCode, answer.headers, await answer.body.text());
  }

  get(path: string, headers: RequestOptions['headers'] = {}): Promise<TestResponse> {
    return this.request(path, { headers });
  }

  post(path: string, body = '', headers: RequestOptions['headers'] = {}): Promise<TestResponse> {
    return this.request(path, { method: 'POST', body, headers });
  }

  /** With a bearer token. */
  call(path: string, token: string, options: RequestOptions = {}): Promise<TestResponse> {
    return this.request(path, { ...options, headers: { authorization: `Bearer ${token}`, ...options.headers } });
  }
}
