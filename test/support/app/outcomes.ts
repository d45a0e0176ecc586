import { inspect } from 'node:util';

import { afterEach, expect } from '@jest/globals';

import { OidcError } from '../../../lib/index.js';
import { publishedOn } from '../messages.js';
import type { TestApp, AppProvider } from './apps.js';
import type { TestResponse } from './test-response.js';

/**
 * What every refusal must look like; each function checks all of it.
 *
 * ```ts
 * const response = await app.call('/orders', app.op.issue({ aud: 'https://other.test' }));
 * expectBadToken(app, response, 'TOKEN_AUDIENCE');
 * expectNoSecrets(app, response, [token]);
 * ```
 *
 * Importing this file also makes each test fail that ends with a changed `Object.prototype`, and subscribes to every channel of
 * the package.
 */
type App = TestApp<AppProvider>;

/** All that was published in this test. */
const published = publishedOn(undefined, true);

afterEach(() => {
  published.length = 0;
});

/** The parameters of the challenge for bearer tokens, by name. */
export function challengeOf(response: TestResponse): Readonly<Record<string, string>> {
  return challengesOf(response)['Bearer'] ?? { missing: 'a challenge of the scheme Bearer' };
}

/** The challenges of all schemes, by scheme. */
export function challengesOf(response: TestResponse): Readonly<Record<string, Readonly<Record<string, string>>>> {
  return Object.fromEntries(
    response.all('www-authenticate').map((value) => {
      const [scheme = ''] = value.split(' ', 1);
      const parameters = [...value.matchAll(/([\w-]+)="((?:[^"\\]|\\.)*)"/g)];
      return [scheme, Object.fromEntries(parameters.map(([, name, text]) => [name, text?.replace(/\\(.)/g, '$1')]))];
    }),
  );
}

/** RS-PROOF: 401 `invalid_dpop_proof`, with the algorithms that are taken. */
export function expectBadProof(app: App, response: TestResponse, code = 'DPOP_PROOF_INVALID'): void {
  expectRefused(app, response, 401, code);
  expect(challengesOf(response)['DPoP']).toMatchObject({ error: 'invalid_dpop_proof', algs: expect.any(String) });
  expect(response.json()).toMatchObject({ error: 'invalid_dpop_proof' });
}

/** RS-NONCE: 401 `use_dpop_nonce`, and the nonce. */
export function expectNonce(app: App, response: TestResponse): string {
  expectRefused(app, response, 401, 'DPOP_NONCE_REQUIRED');
  expect(challengesOf(response)['DPoP']).toMatchObject({ error: 'use_dpop_nonce', algs: expect.any(String) });
  const [nonce = '', ...others] = response.all('dpop-nonce');
  expect(others).toEqual([]);
  expect(nonce).toMatch(/^[\w-]{20,}$/);
  return nonce;
}

/** RS-NOAUTH: 401, a challenge without an error, and nobody was asked. */
export function expectNoAuth(app: App, response: TestResponse): void {
  expectRefused(app, response, 401, 'CREDENTIALS_MISSING');
  const challenge = challengeOf(response);
  expect(challenge).not.toHaveProperty('error');
  expect(challenge).not.toHaveProperty('error_description');
}

/** RS-BADREQ: 400 `invalid_request`. */
export function expectBadRequest(app: App, response: TestResponse, code = 'CREDENTIALS_MALFORMED'): void {
  expectRefused(app, response, 400, code);
  expect(challengeOf(response)).toMatchObject({ error: 'invalid_request' });
  expect(response.json()).toMatchObject({ error: 'invalid_request' });
}

/** RS-BADTOK: 401 `invalid_token`. */
export function expectBadToken(app: App, response: TestResponse, code?: string): void {
  expectRefused(app, response, 401, code);
  expect(challengeOf(response)).toMatchObject({ error: 'invalid_token' });
  expect(response.json()).toMatchObject({ error: 'invalid_token' });
}

/** RS-SCOPE: 403 `insufficient_scope`, and which. */
export function expectInsufficientScope(app: App, response: TestResponse, scope: string): void {
  expectRefused(app, response, 403, 'INSUFFICIENT_SCOPE');
  expect(challengeOf(response)).toMatchObject({ error: 'insufficient_scope', scope });
  expect(response.json()).toMatchObject({ error: 'insufficient_scope' });
}

/** RS-DEP: 503 with `Retry-After` and without a challenge. */
export function expectDependency(app: App, response: TestResponse, code?: string, retryAfter?: number): void {
  expectRefused(app, response, 503, code);
  expect(response.all('www-authenticate')).toEqual([]);
  expect(response.json()).toMatchObject({ error: 'temporarily_unavailable' });
  expect(response.header('retry-after')).toMatch(/^[1-9]\d*$/);
  if (retryAfter !== undefined) {
    expect(response.header('retry-after')).toBe(String(retryAfter));
  }
}

/**
 * CB-BAD (400), CB-DENIED (403), CB-UP (502, 503, 504): a login that ended without a session.
 *
 * @param code undefined: any
 */
export function expectCallbackRefused(
  response: TestResponse,
  status: 400 | 403 | 413 | 415 | 500 | 502 | 503 | 504,
  code: string | undefined,
  app: App,
): void {
  expectRefused(app, response, status, code);
  expect(response.header('referrer-policy')).toBe('no-referrer');
  expect(response.all('location')).toEqual([]);
  expect(response.all('retry-after')).toHaveLength(status === 503 ? 1 : 0);
  expectNoSession(response);
}

/** No line of the answer starts a session; one that clears it may be there. */
export function expectNoSession(response: TestResponse): void {
  const started = response.setCookies.filter((line) => /oidc-session/.test(line) && !/;\s*max-age=0\b/i.test(line));
  expect(started).toEqual([]);
}

/** What all refusals have in common. */
export function expectRefused(app: App, response: TestResponse, status: number, code?: string): void {
  expect({ status: response.status, code: app.lastCode }).toEqual({ status, code: code ?? expect.any(String) });
  const refusal = app.refusals.at(-1);
  expect(refusal?.cause).toBeInstanceOf(OidcError);
  expect(response.header('cache-control')).toBe('no-store');
  expect(response.header('content-type')).toMatch(/^application\/json\b/);
  expect(response.json()).toEqual({ error: expect.any(String), error_description: expect.any(String) });
  expect(app.handledByLast).toEqual([]);
}

/**
 * Nothing of these appears anywhere: not in a log of any level, not in the answer, not in an error that was thrown, not in a
 * message on a channel. Neither
 * as it is nor in base64, base64url, percent-encoding or as JSON writes it.
 *
 * @param response the cookies of the answer are the browser's own and are not searched
 */
export function expectNoSecrets(app: App, response: TestResponse | undefined, secrets: readonly string[]): void {
  const { 'set-cookie': _, ...headers } = response?.headers ?? {};
  const places: Readonly<Record<string, string>> = {
    logs: app.logs.map(({ text }) => text).join('\n'),
    body: response?.body ?? '',
    headers: JSON.stringify(headers),
    refusals: inspect(app.refusals, { depth: 9 }),
    errors: inspect(app.errors, { depth: 9 }),
    messages: inspect(published, { depth: 9, maxArrayLength: null, maxStringLength: null }),
    json: app.refusals.map((refusal) => JSON.stringify([refusal, refusal.cause])).join('\n'),
  };
  const leaks = secrets.flatMap((secret) =>
    Object.entries(formsOf(secret)).flatMap(([form, written]) =>
      Object.keys(places)
        .filter((place) => places[place]?.includes(written))
        .map((place) => `${form} in ${place}`),
    ),
  );
  expect(leaks).toEqual([]);
}

/** How a secret may be written. Too short to mean anything is a mistake of the test. */
function formsOf(secret: string): Readonly<Record<string, string>> {
  if (secret.length < 4) {
    throw new Error('A secret of less than four characters is found anywhere');
  }
  const bytes = Buffer.from(secret);
  return {
    raw: secret,
    base64: bytes.toString('base64').replace(/=+$/, ''),
    base64url: bytes.toString('base64url'),
    hex: bytes.toString('hex'),
    percent: encodeURIComponent(secret),
    form: new URLSearchParams({ '': secret }).toString().slice(1),
    json: JSON.stringify(secret).slice(1, -1),
  };
}

const prototype = Object.getOwnPropertyNames(Object.prototype).toSorted();

// Promises that were rejected and that nobody caught fail the test by Jest itself.
afterEach(() => {
  expect(Object.getOwnPropertyNames(Object.prototype).toSorted()).toEqual(prototype);
});
