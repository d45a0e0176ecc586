import { afterEach, describe, expect, it } from '@jest/globals';

import { logLine } from '../../lib/errors/log-line.js';
import { OidcError } from '../../lib/errors/oidc.error.js';
import { Connections } from '../../lib/http/connections.js';
import type { CustomFetch } from '../../lib/http/exchange.js';
import { Transport } from '../../lib/http/transport.js';
import { rejection } from '../support/client/client.js';
import { TestClock } from '../support/clock.js';
import { freePort } from '../support/ports.js';

const LIMITS = { timeout: 60_000, connectTimeout: 5000, maxResponseSize: 64, maxJsonDepth: 32, maxConcurrent: 1 };

const URL_WITH_SECRETS = 'https://op.test/introspect?token=secret';

const open: Connections[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((connections) => connections.close()));
});

/** A server behind a `fetch`; without one, the network. */
const transportTo = (fetch?: CustomFetch, timeout = LIMITS.timeout): Transport => {
  const connections = new Connections({ ...LIMITS, timeout }, new TestClock().now, { fetch });
  open.push(connections);
  return new Transport(connections);
};

const answers =
  (status: number, headers: Record<string, string> = {}, body = ''): CustomFetch =>
  async () =>
    new Response(body, { status, headers });

const fails =
  (code: string): CustomFetch =>
  async () => {
    throw Object.assign(new TypeError('fetch failed'), { cause: Object.assign(new Error('secret'), { code }) });
  };

const silent: CustomFetch = (_url, { signal }) =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

const call = (transport: Transport, url = URL_WITH_SECRETS) =>
  transport.request({
    method: 'POST',
    url,
    endpoint: 'token_endpoint',
    headers: {},
    body: 'token=secret',
    retry: 'never',
  });

const lineOf = async (calling: Promise<unknown>): Promise<string> => {
  const error = await rejection(calling);
  return error instanceof OidcError ? logLine(error) : String(error);
};

describe('a failed call names whom it was for and why it failed', () => {
  it.each<[string, CustomFetch, string]>([
    [
      'a refused connection',
      fails('ECONNREFUSED'),
      'UPSTREAM_UNAVAILABLE: The server can not be reached. url="https://op.test/introspect" reason="ECONNREFUSED"',
    ],
    [
      'a certificate that is over',
      fails('CERT_HAS_EXPIRED'),
      'TLS_ERROR: The connection to the server is not secure. url="https://op.test/introspect" reason="CERT_HAS_EXPIRED"',
    ],
    [
      'a connection that is not made in time',
      fails('UND_ERR_CONNECT_TIMEOUT'),
      'UPSTREAM_TIMEOUT: The server did not answer in time. ' +
        'url="https://op.test/introspect" reason="UND_ERR_CONNECT_TIMEOUT" timeout="5000 ms"',
    ],
    [
      '429',
      answers(429),
      'RATE_LIMITED: The server asked to be left alone for a while. url="https://op.test/introspect" status=429',
    ],
    [
      'a redirect',
      answers(302, { location: 'https://user:secret@www.op.test/introspect?token=secret' }),
      'UNEXPECTED_REDIRECT: The server redirects; that is not followed. ' +
        'url="https://op.test/introspect" status=302 location="https://www.op.test/introspect"',
    ],
    [
      'an answer that is too large',
      answers(200, {}, 'x'.repeat(65)),
      'RESPONSE_TOO_LARGE: The server\'s answer is larger than we read. url="https://op.test/introspect" limit="64 bytes (http.maxResponseSize)"',
    ],
  ])('%s', async (_what, fetch, line) => expect(await lineOf(call(transportTo(fetch)))).toEqual(line));

  it('silence', async () => {
    expect(await lineOf(call(transportTo(silent, 100)))).toBe(
      'UPSTREAM_TIMEOUT: The server did not answer in time. url="https://op.test/introspect" timeout="100 ms"',
    );
  });

  it('503', async () => {
    expect(await lineOf(call(transportTo(answers(503))))).toMatch(/ url="https:\/\/op\.test\/introspect" status=503$/);
  });

  it('a port where nobody listens', async () => {
    const url = `http://127.0.0.1:${await freePort()}/token`;
    expect(await lineOf(call(transportTo(), url))).toBe(
      `UPSTREAM_UNAVAILABLE: The server can not be reached. url="${url}" reason="ECONNREFUSED"`,
    );
  });

  it('a name that nobody has', async () => {
    expect(await lineOf(call(transportTo(), 'https://no-such-host.invalid/token'))).toMatch(
      /^UPSTREAM_UNAVAILABLE: .* url="https:\/\/no-such-host\.invalid\/token" reason="(ENOTFOUND|EAI_AGAIN)"$/,
    );
  });

  it('an answer that is no JSON', async () => {
    const response = await call(transportTo(answers(200, {}, '<html>')));
    expect(await lineOf((async () => response.json())())).toBe(
      'INVALID_JSON: The text is not JSON. ' + 'url="https://op.test/introspect" status=200 content_type="text/plain"',
    );
  });

  it('a place that did not become free', async () => {
    const transport = transportTo(silent, 100);
    const taken = rejection(call(transport));
    expect(await lineOf(call(transport))).toBe(
      'UPSTREAM_BUSY: Too many calls to the server are on their way. url="https://op.test/introspect"',
    );
    await taken;
  });
});

it('while the circuit is open each error says which server it is and why it was opened', async () => {
  const transport = transportTo(fails('ECONNREFUSED'));
  for (let time = 0; time < 10; time += 1) {
    await rejection(call(transport));
  }
  expect(await lineOf(call(transport, 'https://op.test/token'))).toBe(
    'UPSTREAM_UNAVAILABLE: The server failed too often and is left alone for a while. ' +
      'Cause: UPSTREAM_UNAVAILABLE: The server can not be reached. url="https://op.test/introspect" reason="ECONNREFUSED"',
  );
});
