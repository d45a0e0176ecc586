import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:net';

import { beforeEach, describe, expect, it } from '@jest/globals';

import { AUDIENCE } from '../support/app/apps.js';
import { closeLater } from '../support/closing.js';
import { CLIENT, linesOf, problemsIn, startDoctor } from '../support/doctor.js';
import { TlsFront } from '../support/http/tls-front.js';
import { freePort } from '../support/ports.js';
import type { Fault } from '../../lib/testing/http-faults.js';
import type { JwtFault, Members } from '../support/provider/hostile-provider.js';
import { selfSigned, type Certificate } from '../support/tokens/certificates.js';

type Started = Awaited<ReturnType<typeof startDoctor>>;

let op: Started['op'];
let doctor: Started['doctor'];
let diagnose: Started['diagnose'];

beforeEach(async () => {
  ({ op, doctor, diagnose } = await startDoctor());
});

/** The lines of a report that say what is wrong, without how they are meant. Plain http is no fault of these tests. */
async function faults(options: object = {}): Promise<readonly string[]> {
  const token = op.issue({ aud: AUDIENCE });
  const { code, output } = await diagnose(options, { environment: { OIDC_TOKEN: token } });
  expect(output).not.toContain(token);
  expect(code).toBe(problemsIn(output).length === 0 ? 0 : 1);
  return linesOf(output, 'problem', 'warning')
    .filter((line) => !line.includes('plain http'))
    .map((line) => line.slice('  problem  '.length));
}

const answer = (body: string | Uint8Array, headers: Readonly<Record<string, string>> = {}): Fault => ({
  status: 200,
  headers: { 'content-type': 'application/json', ...headers },
  body,
});

/** What can go wrong at each endpoint, and what is said of it; `facts` are those that follow the URL. */
const HTTP_FAULTS: readonly (readonly [name: string, fault: Fault, message: string, facts: string, more: string])[] = [
  [
    'a reset',
    'reset',
    'The server can not be reached.',
    'reason: ECONNRESET',
    'The connection was reset. [UPSTREAM_UNAVAILABLE]',
  ],
  [
    'an end without an answer',
    'close',
    'The server can not be reached.',
    'reason: UND_ERR_SOCKET',
    'The connection was closed. [UPSTREAM_UNAVAILABLE]',
  ],
  [
    'half a document',
    'truncate',
    "The server's answer broke off.",
    'reason: UND_ERR_SOCKET',
    'The connection was closed. [RESPONSE_INCOMPLETE]',
  ],
  ['500', { status: 500 }, 'The server failed at this request.', 'status: 500', '[UPSTREAM_ERROR]'],
  ['502', { status: 502 }, 'The server can not serve at the moment.', 'status: 502', '[UPSTREAM_UNAVAILABLE]'],
  ['503', { status: 503 }, 'The server can not serve at the moment.', 'status: 503', '[UPSTREAM_UNAVAILABLE]'],
  ['429', { status: 429 }, 'The server asked to be left alone for a while.', 'status: 429', '[RATE_LIMITED]'],
  [
    'a redirect',
    { status: 302, headers: { location: 'https://other.test/login?next=1' } },
    'The server redirects; that is not followed.',
    'status: 302, location: https://other.test/login',
    '[UNEXPECTED_REDIRECT]',
  ],
  [
    'no JSON',
    answer('{"issuer":'),
    'The text is not JSON.',
    'status: 200, content_type: application/json',
    '[INVALID_JSON]',
  ],
  [
    'a list',
    answer('[]'),
    'The text is not a JSON object.',
    'status: 200, content_type: application/json',
    '[INVALID_JSON]',
  ],
  [
    'deep JSON',
    answer(`${'{"a":'.repeat(40)}1${'}'.repeat(40)}`),
    'The JSON is nested deeper than we read.',
    'status: 200, content_type: application/json, limit: 32 levels (http.maxJsonDepth)',
    '[JSON_TOO_DEEP]',
  ],
  [
    'JSON of too many members',
    answer(JSON.stringify(Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`m${index}`, index])))),
    'The JSON object has more members than we read.',
    'status: 200, content_type: application/json',
    '[TOO_MANY_MEMBERS]',
  ],
  [
    'another encoding of text',
    answer(new Uint8Array([0x7b, 0xff, 0x7d])),
    'The text is not UTF-8.',
    'status: 200, content_type: application/json',
    '[INVALID_UTF8]',
  ],
  [
    'too much',
    answer(JSON.stringify({ a: 'x'.repeat(600_000) })),
    "The server's answer is larger than we read.",
    'limit: 524288 bytes (http.maxResponseSize)',
    '[RESPONSE_TOO_LARGE]',
  ],
  [
    'a compressed answer',
    answer('{}', { 'content-encoding': 'gzip' }),
    'The server encoded its answer though not asked to.',
    'status: 200, content_encoding: gzip',
    '[UNEXPECTED_CONTENT_ENCODING]',
  ],
  [
    'no HTTP',
    { raw: 'SSH-2.0-OpenSSH_9.6\r\n' },
    'The server does not speak HTTP.',
    'reason: HTTPParserError',
    'Something else listens there. [MALFORMED_HTTP]',
  ],
  [
    'headers of 40 KB',
    answer('{}', { 'x-long': 'x'.repeat(40_000) }),
    'The server does not speak HTTP.',
    'reason: UND_ERR_HEADERS_OVERFLOW',
    'Its headers are longer than Node reads. [MALFORMED_HTTP]',
  ],
];

describe.each([
  ['discovery', '/.well-known/openid-configuration'],
  ['jwks', '/jwks'],
  ['introspect', '/introspect'],
])('the endpoint %s', (endpoint, path) => {
  it.each(HTTP_FAULTS)('answers with %s', async (_name, fault, message, facts, more) => {
    op.answer(endpoint, fault);
    expect(await faults()).toEqual([`${message} (url: ${op.issuer}${path}, ${facts}) ${more}`]);
  });

  it.each<[name: string, fault: Fault]>([
    ['nothing', 'hang'],
    ['half an answer, and silence', 'stall'],
  ])('answers with %s', async (_name, fault) => {
    op.answer(endpoint, fault);
    expect(await faults({ http: { timeout: 1000 } })).toEqual([
      `The server did not answer in time. (url: ${op.issuer}${path}, timeout: 1000 ms) [UPSTREAM_TIMEOUT]`,
    ]);
  });
});

const PAGE: Fault = { status: 200, headers: { 'content-type': 'text/html' }, body: '<h1>Hi</h1>' };
const OAUTH_401: Fault = { status: 401, body: { error: 'invalid_client' } };
const OAUTH_400: Fault = { status: 400, body: { error: 'invalid_request', error_description: 'no' } };

it.each<[endpoint: string, name: string, fault: Fault, line: string]>([
  [
    'discovery',
    'nothing',
    { status: 404 },
    'The server publishes no metadata where its issuer says. (url: $/.well-known/openid-configuration, status: 404) [UNEXPECTED_STATUS]',
  ],
  [
    'discovery',
    'a page',
    PAGE,
    'The server publishes a document as a media type that is not JSON. (url: $/.well-known/openid-configuration, status: 200, content_type: text/html) [UNEXPECTED_CONTENT_TYPE]',
  ],
  [
    'jwks',
    'nothing',
    { status: 404 },
    'The server did not publish its keys where it says. (url: $/jwks, status: 404) [UNEXPECTED_STATUS]',
  ],
  [
    'jwks',
    'a page',
    PAGE,
    'The server publishes a document as a media type that is not JSON. (url: $/jwks, status: 200, content_type: text/html) [UNEXPECTED_CONTENT_TYPE]',
  ],
  [
    'jwks',
    'no set',
    answer('{}'),
    'The server published something else than a JWK Set. (url: $/jwks, status: 200, content_type: application/json) [JWKS_INVALID]',
  ],
  [
    'introspect',
    'nothing',
    { status: 404 },
    'The server answered 404 without an OAuth error. (url: $/introspect, status: 404) [UNEXPECTED_STATUS]',
  ],
  [
    'introspect',
    'a page',
    PAGE,
    'The server answered in a media type that is not JSON. (url: $/introspect, status: 200, content_type: text/html) [UNEXPECTED_CONTENT_TYPE]',
  ],
  [
    'introspect',
    'a refusal of the client',
    OAUTH_401,
    "The server's introspection_endpoint does not accept this client as it is configured: invalid_client. (error: invalid_client, url: $/introspect, status: 401, content_type: application/json) Compare client_id, client_secret and the authentication method with what is registered. [CLIENT_MISCONFIGURED]",
  ],
  [
    'introspect',
    'a refusal of the request',
    OAUTH_400,
    'The server refused the request. (error: invalid_request, error_description: no, url: $/introspect, status: 400, content_type: application/json) [OP_ERROR]',
  ],
  [
    'introspect',
    'an inactive token',
    answer('{"active":false}'),
    'The token is not active. It has expired or was revoked, or the server does not tell this client about it. [TOKEN_INACTIVE]',
  ],
  [
    'introspect',
    'active as text',
    answer('{"active":"true"}'),
    'The introspection response has a wrong member: active. [INTROSPECTION_MALFORMED]',
  ],
])('the endpoint %s answers with %s', async (endpoint, _name, fault, line) => {
  op.answer(endpoint, fault);
  expect(await faults()).toEqual([line.replace('$', op.issuer)]);
});

const WRONG_VALUE = "The server's metadata has a wrong value:";

it.each<[name: string, change: (document: Members) => Members, line: string]>([
  [
    'another issuer',
    (document) => ({ ...document, issuer: 'https://evil.test' }),
    'The server at "$" publishes the metadata of another issuer: "https://evil.test". Write issuer as your server publishes it, letter by letter: a slash at the end counts. [ISSUER_MISMATCH]',
  ],
  [
    'the issuer with a slash more',
    (document) => ({ ...document, issuer: `${document['issuer']}/` }),
    'The server at "$" publishes the metadata of another issuer: "$/". Write issuer as your server publishes it, letter by letter: a slash at the end counts. [ISSUER_MISMATCH]',
  ],
  ['no issuer', () => ({}), `${WRONG_VALUE} issuer. (found: nothing) [INVALID_SERVER_METADATA]`],
  [
    'a number for the issuer',
    (document) => ({ ...document, issuer: 1 }),
    `${WRONG_VALUE} issuer. (found: 1, wanted: string) [INVALID_SERVER_METADATA]`,
  ],
  [
    'a text for a list',
    (document) => ({ ...document, response_types_supported: 'code' }),
    `${WRONG_VALUE} response_types_supported. (found: "code", wanted: Array) [INVALID_SERVER_METADATA]`,
  ],
  [
    'an endpoint over http',
    (document) => ({ ...document, token_endpoint: 'http://op.test/token' }),
    `${WRONG_VALUE} token_endpoint. (found: http://op.test/token, wanted: https) [INVALID_SERVER_METADATA]`,
  ],
  [
    'keys over http',
    (document) => ({ ...document, jwks_uri: 'http://op.test/jwks' }),
    `${WRONG_VALUE} jwks_uri. (found: http://op.test/jwks, wanted: https) [INVALID_SERVER_METADATA]`,
  ],
  [
    'an alias over http',
    (document) => ({ ...document, mtls_endpoint_aliases: { token_endpoint: 'http://op.test/token' } }),
    `${WRONG_VALUE} mtls_endpoint_aliases.token_endpoint. (found: http://op.test/token, wanted: https) [INVALID_SERVER_METADATA]`,
  ],
  [
    'a path for an endpoint',
    (document) => ({ ...document, token_endpoint: '/token' }),
    `${WRONG_VALUE} token_endpoint. (found: /token, wanted: a URL) [INVALID_SERVER_METADATA]`,
  ],
  [
    'a password in an endpoint',
    (document) => ({ ...document, token_endpoint: 'https://user:pass-word@op.test/token' }),
    `${WRONG_VALUE} token_endpoint. (found: https://op.test/token, wanted: a URL without user information) [INVALID_SERVER_METADATA]`,
  ],
  [
    'a fragment in an endpoint',
    (document) => ({ ...document, token_endpoint: 'https://op.test/token#top' }),
    `${WRONG_VALUE} token_endpoint. (found: https://op.test/token, wanted: a URL without fragment) [INVALID_SERVER_METADATA]`,
  ],
  [
    'a script for an endpoint',
    (document) => ({ ...document, authorization_endpoint: 'javascript:alert(1)' }),
    `${WRONG_VALUE} authorization_endpoint. (found: javascript:alert(1), wanted: https) [INVALID_SERVER_METADATA]`,
  ],
  ['no keys', ({ jwks_uri: _, ...document }) => document, 'It publishes no jwks_uri: no signature can be verified.'],
  [
    'no token endpoint',
    ({ token_endpoint: _, ...document }) => document,
    'server.token_endpoint is not published by the server (RFC 8414, section 2) [ENDPOINT_MISSING]',
  ],
  [
    'no algorithm for ID tokens',
    (document) => ({ ...document, id_token_signing_alg_values_supported: ['none', 'HS256'] }),
    'server.id_token_signing_alg_values_supported lists no algorithm that is taken.',
  ],
])('the metadata has %s', async (_name, change, line) => {
  op.discovery(change);
  expect(await faults()).toEqual([line.replaceAll('$', op.issuer)]);
});

const NO_KEY = 'It publishes no key that can be used: no signature can be verified.';
const SMALL = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' });

it.each<[name: string, change: (keys: readonly Members[]) => readonly unknown[], lines: readonly string[]]>([
  ['no key', () => [], ['It publishes a key set without a key: no signature can be verified.']],
  [
    'text for keys',
    () => ['a'],
    [
      'The server published something else than a JWK Set. (url: $/jwks, status: 200, content_type: application/json) [JWKS_INVALID]',
    ],
  ],
  [
    'too many keys',
    ([key]) => Array.from({ length: 101 }, () => key),
    [
      'The server published more keys than we read. (url: $/jwks, status: 200, content_type: application/json, keys: 101, limit: 100) [TOO_MANY_KEYS]',
    ],
  ],
  [
    'a small key',
    () => [{ ...SMALL, kid: 'k1' }],
    [NO_KEY, 'Its key "k1" has less than 2048 bits (RFC 7518, section 3.3).'],
  ],
  [
    'a small key beside good ones',
    (keys) => [...keys, { ...SMALL, kid: 'k1' }],
    ['Its key "k1" has less than 2048 bits (RFC 7518, section 3.3).'],
  ],
  [
    'a key that is no point of its curve',
    () => [{ kty: 'EC', crv: 'P-256', x: 'AAAA', y: 'AAAA', kid: 'k1' }],
    [NO_KEY, 'Its key "k1" has members that make no key.'],
  ],
  [
    'half a key',
    () => [{ kty: 'RSA', e: 'AQAB' }],
    [NO_KEY, 'Its key without a name lacks a member that a key of its kind has (RFC 7518, section 6).'],
  ],
  [
    'a key of another curve',
    () => [{ kty: 'EC', crv: 'secp256k1', x: 'AAAA', y: 'AAAA', kid: 'k1' }],
    [NO_KEY, 'Its key "k1" is for no algorithm that is taken (kty "EC", crv "secp256k1").'],
  ],
  [
    'a key of no kind',
    () => [{ kid: 'k1' }],
    [NO_KEY, 'Its key "k1" is for no algorithm that is taken (it has no kty).'],
  ],
  [
    'a private key',
    (keys) => [...keys, { ...keys[0], kid: 'k1', d: 'AAAA' }],
    ['Its key "k1" is one to be kept secret, and everybody can read it here.'],
  ],
  [
    'a shared secret',
    (keys) => [...keys, { kty: 'oct', k: 'AAAA', kid: 'k1' }],
    ['Its key "k1" is one to be kept secret, and everybody can read it here.'],
  ],
  [
    'one name for all',
    (keys) => keys.map((key) => ({ ...key, kid: 'k1' })),
    ['Several of its keys are called "k1" (RFC 7517, section 4.5).'],
  ],
  [
    'keys for encryption alone',
    (keys) => keys.map((key) => ({ ...key, use: 'enc' })),
    [`${NO_KEY} All are for encryption.`],
  ],
  [
    'a key for signing alone',
    ([key]) => [{ ...key, kid: 'k1', key_ops: ['sign'] }],
    [NO_KEY, 'Its key "k1" is not for verifying (key_ops; RFC 7517, section 4.3).'],
  ],
])('the key set has %s', async (_name, change, lines) => {
  op.jwks(({ keys }) => ({ keys: change(keys) as readonly Members[] }));
  expect(await faults()).toEqual(lines.map((line) => line.replace('$', op.issuer)));
});

it('the key set has no key for the algorithm of ID tokens', async () => {
  op.jwks(({ keys }) => ({ keys: keys.filter(({ kty }) => kty === 'EC') }));
  expect(await faults({ client: { ...CLIENT, id_token_signed_response_alg: 'RS256' } })).toEqual([
    'The server publishes no key for RS256 (client.id_token_signed_response_alg).',
  ]);
});

it.each<[name: string, fault: JwtFault & { readonly as?: 'json' }, line: string]>([
  [
    'is signed with another key',
    { sign: 'stranger' },
    'The key that the JWT names did not make this signature. [SIGNATURE_INVALID]',
  ],
  [
    'is not signed',
    { as: 'json' },
    'The introspection response is registered as signed; this one is not. [SIGNED_RESPONSE_REQUIRED]',
  ],
  [
    'is signed by another algorithm',
    { header: (header) => ({ ...header, alg: 'RS256' }) },
    'The introspection response is signed with an algorithm that is not registered. (alg: RS256, wanted: ES256) [ALG_NOT_ALLOWED]',
  ],
  [
    'is of another kind',
    { header: (header) => ({ ...header, typ: 'JWT' }) },
    'The introspection response has another typ. (typ: JWT, wanted: token-introspection+jwt) [TYP_MISMATCH]',
  ],
  [
    'names another issuer',
    { claims: (claims) => ({ ...claims, iss: 'https://evil.test' }) },
    'The introspection response names another issuer. (iss: https://evil.test, wanted: $) [ISS_MISMATCH]',
  ],
  [
    'is for somebody else',
    { claims: (claims) => ({ ...claims, aud: 'other' }) },
    'The introspection response is meant for another audience. (aud: other, wanted: rp1,https://api.test) [AUD_MISMATCH]',
  ],
  [
    'is old',
    { claims: (claims) => ({ ...claims, iat: Number(claims['iat']) - 600 }) },
    'The introspection response was issued too long ago. (iat: 2027-01-15T07:50:00.000Z, now: 2027-01-15T08:00:00.000Z) [TOO_OLD]',
  ],
])('a signed introspection %s', async (_name, fault, line) => {
  const client = { ...CLIENT, introspection_signed_response_alg: 'ES256' };
  op.register(client);
  op.introspectionResponse(fault);
  expect(await faults({ client })).toEqual([line.replace('$', op.issuer)]);
});

describe('a connection', () => {
  const unsafe = (url: string, reason: string): string =>
    `  problem  The connection to the server is not secure. (url: ${url}/.well-known/openid-configuration, reason: ${reason}`;

  it.each<[name: string, certificate: () => Promise<Certificate>, line: string]>([
    [
      'with a certificate that it made itself',
      () => selfSigned('server'),
      'DEPTH_ZERO_SELF_SIGNED_CERT) Its certificate is self-signed. Name it in NODE_EXTRA_CA_CERTS if it is to be trusted. [TLS_ERROR]',
    ],
    [
      'with a certificate that has expired',
      () => selfSigned('server', { from: -10, until: -3 }),
      'CERT_HAS_EXPIRED) Its certificate has expired. [TLS_ERROR]',
    ],
  ])('%s', async (_name, certificate, reason) => {
    const front = await TlsFront.start(await certificate());
    front.target = op.origin;
    const { code, output } = await doctor({ arguments: ['doctor', front.url] });
    expect({ code, problems: problemsIn(output) }).toEqual({ code: 1, problems: [unsafe(front.url, reason)] });
  });

  it('without TLS where https is said', async () => {
    const port = await freePort();
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    }).listen(port, '127.0.0.1');
    closeLater({ close: async () => void server.close() });
    const url = `https://127.0.0.1:${port}`;
    const { output } = await doctor({ arguments: ['doctor', url] });
    expect(problemsIn(output)).toEqual([
      unsafe(url, 'ERR_SSL_WRONG_VERSION_NUMBER) It speaks no TLS at this port. [TLS_ERROR]'),
    ]);
  });

  it('to a name that nobody has', async () => {
    const { output } = await doctor({ arguments: ['doctor', 'https://nobody.invalid'] });
    expect(problemsIn(output)).toEqual([
      '  problem  The server can not be reached. (url: https://nobody.invalid/.well-known/openid-configuration, reason: ENOTFOUND) Its host name does not resolve. [UPSTREAM_UNAVAILABLE]',
    ]);
  });
});
