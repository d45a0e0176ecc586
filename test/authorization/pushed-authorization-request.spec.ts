import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { processPushedAuthorization } from '../../lib/authorization/pushed-authorization-request.js';
import { OidcError } from '../../lib/errors/oidc.error.js';
import { HttpResponse } from '../../lib/http/response.js';
import type { ClientMetadata } from '../../lib/metadata/client-metadata.js';
import { decodeJwt, keyOf, privateJwk } from '../../lib/testing/provider/keys.js';
import { clientOf, loginWith, REDIRECT_URI, rejection } from '../support/client/client.js';
import { authenticationOf } from '../support/provider/hostile-provider.js';
import { CLIENT_SECRET, startProvider } from '../support/provider/provider.js';

const PUSHED: Partial<ClientMetadata> = { require_pushed_authorization_requests: true };

const setUp = async (metadata: Partial<ClientMetadata> = PUSHED) => {
  const op = await startProvider();
  return { op, ...clientOf(op, { metadata }) };
};

const jwks = { keys: [JSON.parse(JSON.stringify(privateJwk(keyOf('P-256', 'rp1'), { alg: 'ES256' })))] };

const answer = (status: number, body: string | object, contentType = 'application/json'): HttpResponse => {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  return new HttpResponse(status, { 'content-type': contentType }, bytes, 32);
};

describe('RFC 9126 a pushed authorization request', () => {
  it('B12 B13 goes to the server with all parameters, and the browser takes a reference to it', async () => {
    const { op, oidc } = await setUp();
    const parameters = { resource: ['https://a.test', 'https://b.test'], login_hint: 'alice@app.test' };
    const { url, transaction } = await oidc.authorizationUrl({ parameters });
    const sent = [...new URLSearchParams(op.last('par').body)];
    expect(sent).toEqual([
      ['resource', 'https://a.test'],
      ['resource', 'https://b.test'],
      ['login_hint', 'alice@app.test'],
      ['client_id', 'rp1'],
      ['response_type', 'code'],
      ['redirect_uri', REDIRECT_URI],
      ['scope', 'openid'],
      ['state', transaction.state],
      ['nonce', transaction.nonce],
      ['code_challenge', expect.stringMatching(/^[\w-]{43}$/)],
      ['code_challenge_method', 'S256'],
    ]);
    const query = Object.fromEntries(new URL(url).searchParams);
    expect(query).toEqual({
      client_id: 'rp1',
      request_uri: expect.stringMatching(/^urn:ietf:params:oauth:request_uri:[\w-]{43}$/),
    });
  });

  it('completes a login', async () => {
    const { op, oidc } = await setUp();
    expect((await loginWith(oidc, op)).idToken.sub).toBe('alice');
    expect(op.count('par')).toBe(1);
  });

  it.each<[string, Partial<ClientMetadata>, object, number]>([
    ['when the registration demands it', PUSHED, {}, 1],
    ['when the server demands it', {}, { require_pushed_authorization_requests: true }, 1],
    [
      'when only the server demands it',
      { require_pushed_authorization_requests: false },
      { require_pushed_authorization_requests: true },
      1,
    ],
    ['not where nobody demands it', {}, {}, 0],
    ['not where the server says so', {}, { require_pushed_authorization_requests: false }, 0],
  ])('is made %s', async (_when, metadata, published, count) => {
    const { op, oidc } = await setUp(metadata);
    op.discovery((document) => ({ ...document, ...published }));
    const { url } = await oidc.authorizationUrl();
    expect([op.count('par'), new URL(url).searchParams.has('request_uri')]).toEqual([count, count === 1]);
  });

  it('needs an endpoint of the server', async () => {
    const { op, oidc, server } = await setUp();
    op.discovery(({ pushed_authorization_request_endpoint: _, ...document }) => document);
    expect(await rejection(oidc.authorizationUrl())).toMatchObject({
      code: 'ENDPOINT_MISSING',
      member: 'server.pushed_authorization_request_endpoint',
    });
    server.needs('pushed_authorization_request_endpoint');
    expect(await rejection(oidc.ready())).toMatchObject({ code: 'ENDPOINT_MISSING' });
  });

  it.each<[method: string, metadata: Partial<ClientMetadata>]>([
    ['client_secret_basic', {}],
    ['client_secret_post', { token_endpoint_auth_method: 'client_secret_post' }],
    ['client_secret_jwt', { token_endpoint_auth_method: 'client_secret_jwt' }],
    ['private_key_jwt', { token_endpoint_auth_method: 'private_key_jwt', jwks }],
    ['none', { token_endpoint_auth_method: 'none', client_secret: undefined }],
  ])('B12 E4 authenticates the client as at the token endpoint: %s', async (method, metadata) => {
    const { op, oidc } = await setUp({ ...PUSHED, ...metadata });
    await loginWith(oidc, op);
    expect([op.last('par'), op.last('token')].map((request) => authenticationOf(request).method)).toEqual([
      method,
      method,
    ]);
  });

  it('E5 E6 names the issuer alone as the audience of its assertion, a new one each time', async () => {
    const { op, oidc } = await setUp({ ...PUSHED, token_endpoint_auth_method: 'private_key_jwt', jwks });
    await loginWith(oidc, op);
    const [par, token] = [op.last('par'), op.last('token')].map(
      ({ form }) => decodeJwt(form['client_assertion'] ?? '').claims,
    );
    expect(par).toEqual({
      iss: 'rp1',
      sub: 'rp1',
      aud: op.issuer,
      jti: expect.any(String),
      iat: 1_800_000_000,
      exp: 1_800_000_060,
    });
    expect(token?.['aud']).toBe(op.issuer);
    expect(token?.['jti']).not.toBe(par?.['jti']);
  });

  it('E7 is sent where certificates are taken', async () => {
    const { op, oidc } = await setUp({
      ...PUSHED,
      token_endpoint_auth_method: 'tls_client_auth',
      client_secret: undefined,
    });
    op.register({ client_id: 'rp1', redirect_uris: [REDIRECT_URI], token_endpoint_auth_method: 'none' });
    op.discovery((document) => ({
      ...document,
      token_endpoint_auth_methods_supported: ['tls_client_auth'],
      pushed_authorization_request_endpoint: 'http://127.0.0.1:1/par',
      mtls_endpoint_aliases: { pushed_authorization_request_endpoint: op.url('par') },
    }));
    await oidc.authorizationUrl();
    expect(op.last('par').form).toMatchObject({ client_id: 'rp1' });
    expect(op.last('par').headers.authorization).toBeUndefined();
  });

  it('is authenticated by no method that the server does not list', async () => {
    const { op, oidc } = await setUp();
    op.discovery((document) => ({ ...document, token_endpoint_auth_methods_supported: ['private_key_jwt'] }));
    expect(await rejection(oidc.authorizationUrl())).toMatchObject({ code: 'AUTH_METHOD_UNSUPPORTED' });
    expect(op.count('par')).toBe(0);
  });
});

describe('RFC 9449, section 10.1: a pushed authorization request with dpop_bound_access_tokens', () => {
  const BOUND = { ...PUSHED, dpop_bound_access_tokens: true };

  it('F11 F18 carries a proof of the key that the tokens are bound to, without a hash of one', async () => {
    const { op, oidc } = await setUp(BOUND);
    const { tokens } = await loginWith(oidc, op);
    const { header, claims } = decodeJwt(String(op.last('par').headers['dpop']));
    expect(claims).toEqual({ jti: expect.any(String), htm: 'POST', htu: op.url('par'), iat: 1_800_000_000 });
    expect(header['typ']).toBe('dpop+jwt');
    expect(op.last('par').form['dpop_jkt']).toBe(tokens.dpop_key?.jkt);
    expect(op.last('token').notes['proof']).toMatchObject({ jkt: tokens.dpop_key?.jkt });
  });

  it('F12 is sent once more with the nonce of the server, with a new proof and a new assertion', async () => {
    const { op, oidc } = await setUp({ ...BOUND, token_endpoint_auth_method: 'private_key_jwt', jwks });
    const nonce = { status: 400, headers: { 'dpop-nonce': 'of-the-server' }, body: { error: 'use_dpop_nonce' } };
    op.answer('par', nonce, { times: 1 });
    await loginWith(oidc, op);
    const [first, second] = op.requests('par').map(({ headers, form }) => ({
      proof: decodeJwt(String(headers['dpop'])).claims,
      assertion: decodeJwt(form['client_assertion'] ?? '').claims['jti'],
      state: form['state'],
    }));
    expect([first?.proof['nonce'], second?.proof['nonce']]).toEqual([undefined, 'of-the-server']);
    expect(first?.proof['jti']).not.toBe(second?.proof['jti']);
    expect(first?.assertion).not.toBe(second?.assertion);
    expect(first?.state).toBe(second?.state);
    // The token request has it from the start.
    expect(op.requests('token').map(({ headers }) => decodeJwt(String(headers['dpop'])).claims['nonce'])).toEqual([
      'of-the-server',
    ]);
  });

  it('ends where the server asks for nonces for ever', async () => {
    const { op, oidc } = await setUp(BOUND);
    op.answer('par', { status: 400, headers: { 'dpop-nonce': 'again' }, body: { error: 'use_dpop_nonce' } });
    expect(await rejection(oidc.authorizationUrl())).toMatchObject({ code: 'OP_ERROR', error: 'use_dpop_nonce' });
    expect(op.count('par')).toBe(2);
  });
});

describe('the answer to a pushed authorization request', () => {
  const good = { request_uri: 'urn:ietf:params:oauth:request_uri:6esc_11ACC5bwc014ltc14eY22c', expires_in: 60 };

  it('RFC 9126, section 2.2: is that of the example', () => {
    expect(processPushedAuthorization(answer(201, good))).toEqual(good);
  });

  it('may have more members, and digits for the lifetime', () => {
    const body = { ...good, expires_in: '3600', issued: true };
    expect(processPushedAuthorization(answer(201, body))).toEqual({ ...good, expires_in: 3600 });
  });

  it.each<[string, object]>([
    ['no request URI', { expires_in: 60 }],
    ['null for one', { ...good, request_uri: null }],
    ['an empty one', { ...good, request_uri: '' }],
    ['one that is no URI', { ...good, request_uri: 'abc' }],
    ['one with a blank', { ...good, request_uri: 'urn:a b' }],
    ['one with a line feed', { ...good, request_uri: 'urn:a\nb' }],
    ['one that is a list', { ...good, request_uri: ['urn:a'] }],
    ['one of 3,000 characters', { ...good, request_uri: `urn:${'a'.repeat(2996)}` }],
    ['no lifetime', { request_uri: good.request_uri }],
    ['a lifetime of 0', { ...good, expires_in: 0 }],
    ['a lifetime below 0', { ...good, expires_in: -1 }],
    ['a lifetime of a fraction', { ...good, expires_in: 1.5 }],
    ['a lifetime that is a word', { ...good, expires_in: 'soon' }],
  ])('is refused with %s', (_what, body) => {
    expect(() => processPushedAuthorization(answer(201, body))).toThrow(
      expect.objectContaining({ name: 'ResponseError', code: 'PAR_RESPONSE_INVALID' }),
    );
  });

  it.each<[string, HttpResponse, object]>([
    ['a 200, which section 2.2 does not have', answer(200, good), { code: 'UNEXPECTED_STATUS' }],
    ['a 201 that is a page', answer(201, '<html>', 'text/html'), { code: 'UNEXPECTED_CONTENT_TYPE' }],
    ['a 201 that is no JSON', answer(201, '{'), { code: 'INVALID_JSON' }],
    ['a 201 that is a list', answer(201, '[]'), { code: 'INVALID_JSON' }],
    ['a 404 without an error', answer(404, 'Not found', 'text/plain'), { code: 'UNEXPECTED_STATUS' }],
    ['a 413', answer(413, {}), { code: 'UNEXPECTED_STATUS' }],
    [
      'RFC 9126, section 2.3: an error',
      answer(400, { error: 'invalid_request', error_description: 'The redirect_uri is not valid' }),
      { code: 'OP_ERROR', error: 'invalid_request', error_description: 'The redirect_uri is not valid' },
    ],
    ['a refused client', answer(401, { error: 'invalid_client' }), { code: 'CLIENT_MISCONFIGURED' }],
    ['a 401 without an error', answer(401, ''), { code: 'CLIENT_MISCONFIGURED' }],
    ['an error of a request object', answer(400, { error: 'invalid_request_object' }), { code: 'OP_ERROR' }],
  ])('is refused: %s', (_what, response, error) => {
    expect(() => processPushedAuthorization(response)).toThrow(expect.objectContaining(error));
  });

  it('is read or refused by name, whatever it is', () => {
    const status = fc.constantFrom(200, 201, 202, 400, 401, 403, 404, 413);
    const members = fc.record(
      {
        request_uri: fc.oneof(fc.constant(good.request_uri), fc.jsonValue(), fc.webUrl()),
        expires_in: fc.oneof(fc.integer(), fc.jsonValue(), fc.constant('60')),
        error: fc.jsonValue(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(
        status,
        fc.oneof(members, fc.jsonValue()),
        fc.constantFrom('application/json', 'text/html'),
        (code, body, type) => {
          try {
            const { request_uri, expires_in } = processPushedAuthorization(answer(code, JSON.stringify(body), type));
            expect([code, type]).toEqual([201, 'application/json']);
            expect(request_uri).toMatch(/^[a-z][a-z\d+.-]*:[^\s"\\]*$/i);
            expect(Number.isInteger(expires_in) && expires_in > 0).toBe(true);
          } catch (error) {
            expect(error).toBeInstanceOf(OidcError);
          }
        },
      ),
    );
  });

  it('is asked for once more where no answer began, and not where one did', async () => {
    const { op, oidc } = await setUp();
    op.answer('par', 'reset', { times: 1 });
    await oidc.authorizationUrl();
    expect(op.count('par')).toBe(2);
    op.answer('par', { status: 503 }, { times: 1 });
    expect(await rejection(oidc.authorizationUrl())).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
    expect(op.count('par')).toBe(3);
  });

  it('U3 tells an operator nothing that was sent', async () => {
    const { op, oidc } = await setUp();
    op.answer('par', ({ form }) => ({
      status: 400,
      body: { error: 'invalid_request', error_description: `${form['state']} ${form['nonce']} ${form['login_hint']}` },
    }));
    const error = await rejection(oidc.authorizationUrl({ parameters: { login_hint: 'alice@app.test' } }));
    expect(error).toMatchObject({ error_description: '[secret] [secret] [secret]' });
    expect(JSON.stringify(error)).not.toContain(CLIENT_SECRET);
  });
});
