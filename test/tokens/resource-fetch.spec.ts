import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { inspect } from 'node:util';

import { describe, expect, it } from '@jest/globals';
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify, type JWK } from 'jose';

import type { ClientMetadata } from '../../lib/metadata/client-metadata.js';
import { Connections } from '../../lib/http/connections.js';
import { Transport } from '../../lib/http/transport.js';
import { decodeJwt } from '../../lib/testing/provider/keys.js';
import { clientOf, loginWith, rejection } from '../support/client/client.js';
import { T } from '../support/clock.js';
import { Api } from '../support/http/api.js';
import { LIMITS } from '../support/http/limits.js';
import { startProvider } from '../support/provider/provider.js';

const BOUND = { dpop_bound_access_tokens: true };

type Incoming = { readonly headers: IncomingMessage['headers'] };

/** A client that has logged in, and an API. */
async function setUp(metadata: Partial<ClientMetadata> = {}, setup: Parameters<typeof clientOf>[1] = {}) {
  const op = await startProvider();
  const api = await Api.start();
  const { oidc } = clientOf(op, { metadata, ...setup });
  const { tokens } = await loginWith(oidc, op);
  return { op, api, oidc, tokens, url: `${api.url}/orders` };
}

const proofOf = ({ headers }: Incoming) => decodeJwt(String(headers['dpop']));

const nonceOf = (call: Incoming) => proofOf(call).claims['nonce'];

/** The challenge of RFC 9449, section 9. */
const USE_NONCE = 'DPoP error="use_dpop_nonce", error_description="Resource server requires nonce in DPoP proof"';

function refuse(response: ServerResponse, status: number, headers: Readonly<Record<string, string | string[]>>): void {
  response.writeHead(status, headers).end('{"error":"refused"}');
}

/** Takes each nonce once, and has no new one for whom it serves. */
function takesNoncesOnce(api: Api, challenge = USE_NONCE): void {
  const unused = new Set<unknown>();
  let count = 0;
  api.answer = (request, response) => {
    if (unused.delete(nonceOf(request))) {
      response.end('{"from":"api"}');
      return;
    }
    count += 1;
    unused.add(`n${count}`);
    refuse(response, 401, { 'www-authenticate': challenge, 'dpop-nonce': `n${count}` });
  };
}

const INVALID_TOKEN = { 'www-authenticate': 'Bearer error="invalid_token"' };
const INSUFFICIENT_SCOPE = { 'www-authenticate': 'Bearer error="insufficient_scope"' };

describe('a call with a bearer token', () => {
  it('F8 has the token in its header and nowhere else', async () => {
    const { api, oidc, tokens, url } = await setUp();
    const answer = await oidc.fetch(`${url}?page=2#top`, {}, tokens);
    expect([answer.status, await answer.json()]).toEqual([200, { from: 'api' }]);
    const { method, url: target, headers, body } = api.last;
    expect([method, target, body]).toEqual(['GET', '/orders?page=2', '']);
    expect(headers.authorization).toBe(`Bearer ${tokens.access_token}`);
    expect(Object.keys(headers).toSorted()).toEqual(['accept-encoding', 'authorization', 'connection', 'host']);
  });

  it('takes a token as text', async () => {
    const { api, oidc, url } = await setUp();
    await oidc.fetch(new URL(url), {}, 'a-token');
    expect(api.last.headers.authorization).toBe('Bearer a-token');
  });

  it('has the client’s own token where none is given, which is kept', async () => {
    const { api, oidc, op, url } = await setUp({ scope: 'orders:read' });
    op.forgetRequests();
    await oidc.fetch(url);
    expect(op.last('token').form).toMatchObject({ grant_type: 'client_credentials', scope: 'orders:read' });
    expect(api.last.headers.authorization).toBe(`Bearer ${(await oidc.clientToken()).access_token}`);
    await oidc.fetch(url);
    api.answer = (_request, response) => refuse(response, 401, INSUFFICIENT_SCOPE);
    expect(await rejection(oidc.fetch(url))).toMatchObject({ name: 'ChallengeError', error: 'insufficient_scope' });
    expect([new Set(api.calls.map(({ headers }) => headers.authorization)).size, op.count('token')]).toEqual([1, 1]);
  });

  it('is made once more with a new token of the client’s own where the API takes the kept one no more', async () => {
    const { api, oidc, op, url } = await setUp();
    const kept = (await oidc.clientToken()).access_token;
    op.forgetRequests();
    api.answer = ({ headers }, response) =>
      headers.authorization === `Bearer ${kept}` ? refuse(response, 401, INVALID_TOKEN) : void response.end('done');
    const answer = await oidc.fetch(url, { method: 'POST', body: 'a=1' });
    expect([answer.status, await answer.text()]).toEqual([200, 'done']);
    expect(api.calls.map(({ method, body }) => [method, body])).toEqual([
      ['POST', 'a=1'],
      ['POST', 'a=1'],
    ]);
    await oidc.fetch(url);
    expect([api.calls.length, op.count('token')]).toEqual([3, 1]);
  });

  it('is made twice and no more where the API takes no token of the client’s own', async () => {
    const { api, oidc, op, url } = await setUp();
    op.forgetRequests();
    api.answer = (_request, response) => refuse(response, 401, INVALID_TOKEN);
    expect(await rejection(oidc.fetch(url))).toMatchObject({ name: 'ChallengeError', error: 'invalid_token' });
    expect([api.calls.length, op.count('token')]).toEqual([2, 2]);
  });

  it('is not made again with a stream, but the next one has a new token of the client’s own', async () => {
    const { api, oidc, op, url } = await setUp();
    op.forgetRequests();
    api.answer = (_request, response) => refuse(response, 401, INVALID_TOKEN);
    const body = Readable.toWeb(Readable.from(['a', 'b']));
    expect(await rejection(oidc.fetch(url, { method: 'POST', body }))).toMatchObject({ error: 'invalid_token' });
    expect([api.calls.length, op.count('token')]).toEqual([1, 1]);
    api.answer = (_request, response) => void response.end();
    await oidc.fetch(url);
    expect(op.count('token')).toBe(2);
  });

  it('is not made again with tokens of a login', async () => {
    const { api, oidc, tokens, url } = await setUp();
    api.answer = (_request, response) => refuse(response, 401, INVALID_TOKEN);
    expect(await rejection(oidc.fetch(url, {}, tokens))).toMatchObject({ error: 'invalid_token' });
    expect(api.calls).toHaveLength(1);
  });

  it('has the headers of the caller, but no credentials of another kind', async () => {
    const { api, oidc, tokens, url } = await setUp();
    const headers = {
      'x-fapi-interaction-id': '0d6f8a3a-7f3c-4f7e-9f63-35a0d1a2b3c4',
      Authorization: 'Basic YTpi',
      DPoP: 'made-up',
    };
    await oidc.fetch(url, { headers }, tokens);
    expect(api.last.headers).toMatchObject({
      authorization: `Bearer ${tokens.access_token}`,
      'x-fapi-interaction-id': '0d6f8a3a-7f3c-4f7e-9f63-35a0d1a2b3c4',
    });
    expect(api.last.headers).not.toHaveProperty('dpop');
  });

  it.each<[string, () => NonNullable<RequestInit['body']>, string, string | undefined, string | undefined]>([
    ['text', () => 'ü', 'ü', 'text/plain;charset=UTF-8', '2'],
    ['bytes', () => new Uint8Array([97, 98]), 'ab', undefined, '2'],
    [
      'a form',
      () => new URLSearchParams({ a: '1 2' }),
      'a=1+2',
      'application/x-www-form-urlencoded;charset=UTF-8',
      '5',
    ],
    ['a blob', () => new Blob(['ab'], { type: 'x/y' }), 'ab', 'x/y', '2'],
    ['a stream', () => Readable.toWeb(Readable.from(['a', 'b'])), 'ab', undefined, undefined],
  ])('sends %s', async (_what, body, received, type, length) => {
    const { api, oidc, tokens, url } = await setUp();
    await oidc.fetch(url, { method: 'PUT', body: body() }, tokens);
    const { method, headers } = api.last;
    expect([method, api.last.body, headers['content-type'], headers['content-length']]).toEqual([
      'PUT',
      received,
      type,
      length,
    ]);
  });

  it('sends a form with a file', async () => {
    const { api, oidc, tokens, url } = await setUp();
    const body = new FormData();
    body.set('file', new Blob(['content']), 'a.txt');
    await oidc.fetch(url, { method: 'POST', body }, tokens);
    expect(api.last.headers['content-type']).toMatch(/^multipart\/form-data; boundary=/);
    expect(api.last.body).toContain('filename="a.txt"');
  });

  it('hands the answer on as it comes', async () => {
    const { api, oidc, tokens, url } = await setUp();
    let end: () => void = () => undefined;
    api.answer = (_request, response) => {
      response.setHeader('set-cookie', ['a=1', 'b=2']);
      response.writeHead(201, { 'x-answer': '1' }).write('first ');
      end = () => response.end('second');
    };
    const answer = await oidc.fetch(url, {}, tokens);
    expect([answer.status, answer.headers.get('x-answer'), answer.headers.getSetCookie()]).toEqual([
      201,
      '1',
      ['a=1', 'b=2'],
    ]);
    end();
    expect(await answer.text()).toBe('first second');
  });

  it.each([204, 304])('has no body with %i', async (status) => {
    const { api, oidc, tokens, url } = await setUp();
    api.answer = (_request, response) => void response.writeHead(status).end();
    const answer = await oidc.fetch(url, { method: 'DELETE' }, tokens);
    expect([answer.status, answer.body]).toEqual([status, null]);
  });

  it.each([404, 409, 500, 503])('that is answered with %i and no challenge is the caller’s', async (status) => {
    const { api, oidc, tokens, url } = await setUp();
    api.answer = (_request, response) => void response.writeHead(status).end('why');
    const answer = await oidc.fetch(url, {}, tokens);
    expect([answer.status, await answer.text(), api.calls.length]).toEqual([status, 'why', 1]);
  });

  it.each([301, 302, 303, 307, 308])('follows no redirect, %i neither', async (status) => {
    const { api, oidc, tokens, url } = await setUp();
    const other = await Api.start();
    api.answer = (_request, response) => void response.writeHead(status, { location: `${other.url}/` }).end();
    const answer = await oidc.fetch(url, {}, tokens);
    expect([answer.status, answer.headers.get('location')]).toEqual([status, `${other.url}/`]);
    expect([api.calls.length, other.calls.length]).toEqual([1, 0]);
  });

  it.each(['http://api.test/orders', 'ftp://127.0.0.1/', 'https://user:word@api.test/', '/orders', ''])(
    'to %j is not made',
    async (url) => {
      const { op, oidc, tokens } = await setUp();
      op.forgetRequests();
      expect(await rejection(oidc.fetch(url, {}, tokens))).toMatchObject({
        name: 'ConfigError',
        code: 'INVALID_CONFIG',
        message: 'url: must be an https URL without user information; http is for loopback hosts, else insecureHttp',
      });
      expect(await rejection(oidc.fetch(url))).toMatchObject({ code: 'INVALID_CONFIG' });
      expect(op.count()).toBe(0);
    },
  );

  it.each([{ method: 'GET', body: 'x' }, { headers: { 'x y': 'z' } }, { method: 'CONNECT' }])(
    'that is no request is refused: %j',
    async (init) => {
      const { oidc, tokens, url } = await setUp();
      expect(await rejection(oidc.fetch(url, init, tokens))).toMatchObject({ code: 'INVALID_CONFIG', member: 'init' });
    },
  );

  it('with an expired token is not made', async () => {
    const { api, op, oidc, tokens, url } = await setUp();
    op.clock.advance(3600);
    expect(await rejection(oidc.fetch(url, {}, tokens))).toMatchObject({
      name: 'SessionError',
      code: 'ACCESS_TOKEN_EXPIRED',
    });
    expect(api.calls).toEqual([]);
  });

  it('ends when the caller says so, with the caller’s reason', async () => {
    const { api, oidc, tokens, url } = await setUp();
    const end = new AbortController();
    api.answer = () => end.abort('enough');
    expect(await rejection(oidc.fetch(url, { signal: end.signal }, tokens))).toBe('enough');
  });

  it('ends where no answer comes in time, or the answer stops', async () => {
    const { api, oidc, tokens, url } = await setUp();
    api.answer = () => undefined;
    expect(await rejection(oidc.fetch(url, { timeout: 50 }, tokens))).toMatchObject({
      code: 'UPSTREAM_TIMEOUT',
      facts: { url: api.url },
    });
    api.answer = (_request, response) => void response.write('half');
    const answer = await oidc.fetch(url, { timeout: 50 }, tokens);
    await expect(answer.text()).rejects.toThrow();
  });

  it('takes an encoded answer only where it was asked for', async () => {
    const { api, oidc, tokens, url } = await setUp();
    api.answer = (_request, response) => void response.writeHead(200, { 'content-encoding': 'br' }).end('x');
    expect(await rejection(oidc.fetch(url, {}, tokens))).toMatchObject({ code: 'UNEXPECTED_CONTENT_ENCODING' });
    const answer = await oidc.fetch(url, { headers: { 'accept-encoding': 'br' } }, tokens);
    expect([answer.headers.get('content-encoding'), await answer.text()]).toEqual(['br', 'x']);
  });

  it('goes through the client’s own fetch', async () => {
    const seen: { url: string; headers: object; body: unknown; redirect: string }[] = [];
    const op = await startProvider();
    const api = await Api.start();
    const connections = new Connections(LIMITS, op.clock.now, {
      fetch: async (url, { body, ...init }) => {
        seen.push({ url, headers: init.headers, body, redirect: init.redirect });
        return fetch(url, { ...init, ...(body !== undefined && { body }) });
      },
    });
    const { oidc } = clientOf(op, { settings: { transport: new Transport(connections) } });
    const answer = await oidc.fetch(`${api.url}/a`, { method: 'POST', body: 'x' }, 'a-token');
    expect([answer.status, await answer.text(), api.last.body]).toEqual([200, '{"from":"api"}', 'x']);
    expect(seen).toMatchObject([
      { url: `${api.url}/a`, headers: { authorization: 'Bearer a-token' }, redirect: 'manual' },
    ]);
    const odd = [
      ['Constructor', 'v'],
      ['__proto__', 'w'],
      ['X-Two', '1'],
      ['x-two', '2'],
    ] satisfies [string, string][];
    await oidc.fetch(`${api.url}/d`, { headers: new Headers(odd) }, 'a-token');
    expect(Object.entries(seen[1]?.headers ?? {})).toEqual(
      expect.arrayContaining([
        ['constructor', 'v'],
        ['__proto__', 'w'],
        ['x-two', '1, 2'],
      ]),
    );
    const streamed = await oidc.fetch(
      `${api.url}/b`,
      { method: 'POST', body: Readable.toWeb(Readable.from(['a', 'b'])) },
      'a-token',
    );
    expect([streamed.status, api.last.body]).toEqual([200, 'ab']);
    api.answer = () => undefined;
    expect(await rejection(oidc.fetch(`${api.url}/c`, { timeout: 50 }, 'a-token'))).toMatchObject({
      code: 'UPSTREAM_TIMEOUT',
    });
  });

  it('F20 is one call, and nothing follows it', async () => {
    const { api, op, oidc, tokens, url } = await setUp();
    const before = op.requests().map(({ endpoint }) => endpoint);
    await (await oidc.fetch(url, {}, tokens)).text();
    expect(op.requests().map(({ endpoint }) => endpoint)).toEqual(before);
    expect(before).toEqual(['discovery', 'token', 'jwks']);
    expect(api.calls).toHaveLength(1);
  });
});

describe('a refused call', () => {
  const refusal = async (status: number, headers: Readonly<Record<string, string | string[]>>) => {
    const { api, oidc, tokens, url } = await setUp();
    api.answer = (_request, response) => refuse(response, status, headers);
    const error = await rejection(oidc.fetch(`${url}?secret=1`, {}, tokens));
    return { error, url, tokens };
  };

  it('has the members of its challenge', async () => {
    const challenge = [
      'Bearer realm="x", error="insufficient_user_authentication"',
      'error_description="A different authentication level is required"',
      'acr_values="urn:a urn:b", max_age="300", scope="orders:read"',
      'resource_metadata="https://api.test/.well-known/oauth-protected-resource"',
    ].join(', ');
    const { error, url } = await refusal(401, { 'www-authenticate': challenge });
    expect(error).toMatchObject({
      name: 'ChallengeError',
      code: 'RESOURCE_REFUSED',
      status: 401,
      scheme: 'bearer',
      error: 'insufficient_user_authentication',
      error_description: 'A different authentication level is required',
      acr_values: 'urn:a urn:b',
      max_age: 300,
      scope: 'orders:read',
      resource_metadata: 'https://api.test/.well-known/oauth-protected-resource',
      facts: { url, status: 401, error: 'insufficient_user_authentication' },
    });
  });

  it.each<[string, number, string | string[], object]>([
    ['a scope', 403, 'Bearer error="insufficient_scope", scope="a b"', { error: 'insufficient_scope', scope: 'a b' }],
    ['a request', 400, 'Bearer error="invalid_request"', { status: 400, error: 'invalid_request' }],
    ['no reason', 401, 'Bearer', { scheme: 'bearer', error: undefined, max_age: undefined }],
    ['another scheme', 401, 'Basic realm="x"', { scheme: 'basic', error: undefined }],
    ['the one of several that has a reason', 401, 'Basic, Bearer, DPoP error="x"', { scheme: 'dpop', error: 'x' }],
    ['one of several lines', 401, ['Basic', 'BEARER Error="x"'], { scheme: 'bearer', error: 'x' }],
    ['what can not be read', 401, '=', { scheme: undefined, error: undefined }],
    ['an age that is none', 401, 'Bearer max_age="1e9"', { max_age: undefined }],
  ])('by %s is told', async (_what, status, header, members) => {
    const { error } = await refusal(status, { 'www-authenticate': header });
    expect(error).toMatchObject({ name: 'ChallengeError', ...members });
  });

  it('never repeats the token', async () => {
    const { api, oidc, tokens, url } = await setUp();
    const token = tokens.access_token;
    const challenge = `Bearer error="invalid_token", error_description="no ${token} here", scope="${token}"`;
    api.answer = (_request, response) => refuse(response, 401, { 'www-authenticate': challenge });
    const error = await rejection(oidc.fetch(url, {}, tokens));
    expect(error).toMatchObject({ error_description: 'no [secret] here', scope: '[secret]' });
    expect(inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error)).not.toContain(token);
  });

  it('is the caller’s answer where it has no challenge, and a success where it has one too', async () => {
    const { api, oidc, tokens, url } = await setUp();
    api.answer = (_request, response) => refuse(response, 401, {});
    expect((await oidc.fetch(url, {}, tokens)).status).toBe(401);
    api.answer = (_request, response) => refuse(response, 200, { 'www-authenticate': 'Bearer error="x"' });
    expect((await oidc.fetch(url, {}, tokens)).status).toBe(200);
  });
});

describe('RFC 9449 a call with a token that is bound to a key', () => {
  it('F9 F10 F11 has the scheme DPoP and one proof for this request', async () => {
    const { api, op, oidc, tokens, url } = await setUp(BOUND);
    await oidc.fetch(`${url}?page=2`, { method: 'post', body: 'x' }, tokens);
    const { headers } = api.last;
    expect(headers.authorization).toBe(`DPoP ${tokens.access_token}`);
    const { payload, protectedHeader } = await jwtVerify(String(headers['dpop']), EmbeddedJWK, {
      typ: 'dpop+jwt',
      algorithms: ['ES256'],
      currentDate: new Date(op.clock.now()),
    });
    const ath = createHash('sha256').update(String(tokens.access_token)).digest('base64url');
    expect(payload).toEqual({ jti: expect.any(String), htm: 'POST', htu: url, iat: T, ath });
    expect(Object.keys(protectedHeader.jwk ?? {}).toSorted()).toEqual(['crv', 'kty', 'x', 'y']);
    expect(await calculateJwkThumbprint(protectedHeader.jwk as JWK)).toBe(tokens.dpop_key?.jkt);
    expect(proofOf(op.last('token')).claims).not.toHaveProperty('ath');
  });

  it('F13 F16 is made once more with the nonce that the API asks for, whatever the case of its scheme', async () => {
    const { api, oidc, tokens, url } = await setUp(BOUND);
    takesNoncesOnce(api, 'Basic realm="x", dPoP algs="ES256", Error="use_dpop_nonce"');
    const answer = await oidc.fetch(url, { method: 'POST', body: 'x' }, tokens);
    expect([answer.status, api.calls.map(nonceOf)]).toEqual([200, [undefined, 'n1']]);
    expect(api.calls.map(({ body }) => body)).toEqual(['x', 'x']);
    const [first, second] = api.calls.map((call) => proofOf(call).claims['jti']);
    expect(first).not.toBe(second);
  });

  it('F14 works where each nonce is good for one call', async () => {
    const { api, oidc, tokens, url } = await setUp(BOUND);
    takesNoncesOnce(api);
    for (let call = 0; call < 4; call += 1) {
      expect((await oidc.fetch(url, {}, tokens)).status).toBe(200);
    }
    expect(api.calls.map(nonceOf)).toEqual([undefined, 'n1', 'n1', 'n2', 'n2', 'n3', 'n3', 'n4']);
  });

  it('F14 works for calls at the same time, each with its own nonce', async () => {
    const { api, oidc, tokens, url } = await setUp(BOUND);
    takesNoncesOnce(api);
    const answers = await Promise.all(Array.from({ length: 8 }, () => oidc.fetch(url, {}, tokens)));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
  });

  it('F15 keeps the nonce of each server', async () => {
    const { api, op, oidc, tokens, url } = await setUp(BOUND);
    const other = await Api.start();
    const gives = (nonce: string) => (_request: IncomingMessage, response: ServerResponse) =>
      void response.writeHead(200, { 'dpop-nonce': nonce }).end('{}');
    api.answer = gives('of-one');
    other.answer = gives('of-other');
    op.answer('token', async (_request, next) => ({ ...(await next()), headers: { 'dpop-nonce': 'of-op' } }));
    op.answer('userinfo', async (_request, next) => ({
      ...(await next()),
      headers: { 'content-type': 'application/json', 'dpop-nonce': 'of-userinfo' },
    }));
    for (let round = 0; round < 2; round += 1) {
      await oidc.fetch(url, {}, tokens);
      await oidc.fetch(other.url, {}, tokens);
      await oidc.clientCredentials();
      await oidc.userinfo(tokens, 'alice');
    }
    expect(api.calls.map(nonceOf)).toEqual([undefined, 'of-one']);
    expect(other.calls.map(nonceOf)).toEqual([undefined, 'of-other']);
    expect(op.requests('token').slice(1).map(nonceOf)).toEqual([undefined, 'of-op']);
    expect(op.requests('userinfo').map(nonceOf)).toEqual([undefined, 'of-userinfo']);
  });

  it('F17 works where nobody gives a nonce', async () => {
    const { api, oidc, tokens, url } = await setUp(BOUND);
    await oidc.fetch(url, {}, tokens);
    await oidc.fetch(url, {}, tokens);
    expect(api.calls.map(nonceOf)).toEqual([undefined, undefined]);
  });

  it('is made twice and no more where the API asks without end', async () => {
    const { api, oidc, tokens, url } = await setUp(BOUND);
    api.answer = (_request, response) =>
      refuse(response, 401, { 'www-authenticate': USE_NONCE, 'dpop-nonce': 'eyJ7S_zG.eyJH0-Z.HX4w-7v' });
    expect(await rejection(oidc.fetch(url, {}, tokens))).toMatchObject({
      name: 'ChallengeError',
      scheme: 'dpop',
      error: 'use_dpop_nonce',
    });
    expect(api.calls.map(nonceOf)).toEqual([undefined, 'eyJ7S_zG.eyJH0-Z.HX4w-7v']);
  });

  it.each<[string, Readonly<Record<string, string | string[]>>]>([
    ['no nonce', { 'www-authenticate': USE_NONCE }],
    ['a nonce with a quote', { 'www-authenticate': USE_NONCE, 'dpop-nonce': 'a"b' }],
    ['two nonces', { 'www-authenticate': USE_NONCE, 'dpop-nonce': ['a', 'b'] }],
    ['another error', { 'www-authenticate': 'DPoP error="invalid_token"', 'dpop-nonce': 'n' }],
  ])('is not made again for %s', async (_what, headers) => {
    const { api, oidc, tokens, url } = await setUp(BOUND);
    api.answer = (_request, response) => refuse(response, 401, headers);
    expect(await rejection(oidc.fetch(url, {}, tokens))).toMatchObject({ name: 'ChallengeError' });
    expect(api.calls).toHaveLength(1);
  });

  it('can not be made again with a stream', async () => {
    const { api, oidc, tokens, url } = await setUp(BOUND);
    takesNoncesOnce(api);
    const body = () => Readable.toWeb(Readable.from(['a', 'b']));
    expect(await rejection(oidc.fetch(url, { method: 'POST', body: body() }, tokens))).toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
      retryAfter: 1,
    });
    expect((await oidc.fetch(url, { method: 'POST', body: body() }, tokens)).status).toBe(200);
  });

  it('gets no proof with a bearer token, whatever the API asks for', async () => {
    const { api, oidc, tokens, url } = await setUp();
    api.answer = (_request, response) => refuse(response, 401, { 'www-authenticate': USE_NONCE, 'dpop-nonce': 'n' });
    expect(await rejection(oidc.fetch(url, {}, tokens))).toMatchObject({ error: 'use_dpop_nonce' });
    expect(api.calls.map(({ headers }) => headers['dpop'])).toEqual([undefined]);
  });
});
