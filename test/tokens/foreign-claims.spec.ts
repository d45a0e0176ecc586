import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { Connections } from '../../lib/http/connections.js';
import { Transport } from '../../lib/http/transport.js';
import { jws, keyOf, privateJwk } from '../../lib/testing/provider/keys.js';
import type { JsonObject } from '../../lib/values/json.js';
import { clientOf, loginWith, rejection } from '../support/client/client.js';
import { SeenDispatcher } from '../support/client/dispatcher.js';
import { T } from '../support/clock.js';
import { closeLater } from '../support/closing.js';
import { Api } from '../support/http/api.js';
import { LIMITS } from '../support/http/limits.js';
import { startProvider } from '../support/provider/provider.js';
import { expectWithin } from '../support/within.js';

const BANK = 'https://bank.test';
const KEY = keyOf('P-256', 'bank');
const TRUSTED = [{ issuer: BANK, jwks: { keys: [KEY.jwk as JsonObject] } }];

const signed = (claims: object, alg = 'ES256') => jws({ alg, kid: KEY.kid }, claims, alg === 'none' ? undefined : KEY);

/** Claims whose `credit_score` and `shoe_size` are from one source. */
const from = (source: object): JsonObject =>
  ({
    sub: 'alice',
    _claim_names: { credit_score: 'src1', shoe_size: 'src1', other: 'src2' },
    _claim_sources: { src1: source },
  }) as JsonObject;

async function setUp() {
  const op = await startProvider();
  return { op, ...clientOf(op) };
}

describe('Core 5.6 aggregated claims', () => {
  it('F5 are foreign: userinfo does not have them among its own', async () => {
    const { op, oidc } = await setUp();
    const { tokens } = await loginWith(oidc, op);
    const JWT = signed({ credit_score: 650, shoe_size: 44, sub: 'mallory', email_verified: true }, 'none');
    op.userinfo({ body: (members) => ({ ...members, ...from({ JWT }), sub: 'alice' }) });
    const claims = await oidc.userinfo(tokens, 'alice');
    expect(claims).not.toHaveProperty('credit_score');
    expect(await oidc.aggregatedClaims(claims)).toEqual([
      { source: 'src1', claims: { credit_score: 650, shoe_size: 44 }, verifiedBy: undefined, error: undefined },
    ]);
    expect(op.requests().map(({ endpoint }) => endpoint)).toEqual(['discovery', 'token', 'jwks', 'userinfo']);
  });

  it('INJ-07 are found in no time, however many names and sources there are', async () => {
    const { oidc } = await setUp();
    const all = Array.from({ length: 16_000 }, (_, index) => index.toString(36));
    const claims = {
      _claim_names: Object.fromEntries(all.map((name) => [`c${name}`, 'nobody'])),
      _claim_sources: Object.fromEntries(all.map((name) => [`s${name}`, {}])),
    } as JsonObject;
    expect(JSON.stringify(claims).length).toBeLessThan(LIMITS.maxResponseSize);
    await expectWithin(1000, async () => expect(await oidc.aggregatedClaims(claims)).toEqual([]));
  });

  it('are verified where their issuer is trusted, and only there', async () => {
    const { oidc } = await setUp();
    const JWT = signed({ iss: BANK, exp: T + 60, credit_score: 650 });
    const [verified] = await oidc.aggregatedClaims(from({ JWT }), { trusted: TRUSTED });
    expect(verified).toEqual({ source: 'src1', claims: { credit_score: 650 }, verifiedBy: BANK, error: undefined });
    const trusted = [{ ...TRUSTED[0], issuer: 'https://other.test' }] as typeof TRUSTED;
    for (const options of [{}, { trusted }]) {
      expect(await oidc.aggregatedClaims(from({ JWT }), options)).toMatchObject([
        { claims: { credit_score: 650 }, verifiedBy: undefined },
      ]);
    }
  });

  it.each<[string, string, string]>([
    [
      'is signed by a stranger',
      jws({ alg: 'ES256' }, { iss: BANK, a: 1 }, keyOf('P-256', 'stranger')),
      'SIGNATURE_INVALID',
    ],
    ['is not signed', signed({ iss: BANK }, 'none'), 'ALG_NOT_ALLOWED'],
    ['is signed with a secret', jws({ alg: 'HS256' }, { iss: BANK }, Buffer.from('x'.repeat(32))), 'ALG_NOT_ALLOWED'],
    ['is expired', signed({ iss: BANK, exp: T - 60 }), 'EXPIRED'],
    ['is an ID token', signed({ iss: BANK, nonce: 'n' }), 'UNEXPECTED_CLAIM'],
    ['is encrypted', 'a.b.c.d.e', 'UNEXPECTED_JWE'],
    ['is none', '<html>', 'JWT_MALFORMED'],
    ['is without end', `${'a'.repeat(70_000)}.b.c`, 'JWT_TOO_LARGE'],
  ])('whose JWT %s are none', async (_what, JWT, code) => {
    const { oidc } = await setUp();
    const [source] = await oidc.aggregatedClaims(from({ JWT }), { trusted: TRUSTED });
    expect(source).toMatchObject({ source: 'src1', claims: {}, verifiedBy: undefined, error: { code } });
  });

  it.each<[string, JsonObject]>([
    ['no sources', { _claim_names: { a: 'src1' } }],
    ['no names', { _claim_sources: { src1: { JWT: signed({ a: 1 }) } } }],
    ['names of another form', { _claim_names: ['a'], _claim_sources: { src1: { JWT: 'x' } } }],
    ['a source of another form', { _claim_names: { a: 'src1' }, _claim_sources: { src1: 'x' } }],
    ['a JWT of another form', { _claim_names: { a: 'src1' }, _claim_sources: { src1: { JWT: 7 } } }],
    ['a source that every object has', { _claim_names: { a: 'constructor' }, _claim_sources: {} }],
  ])('are none with %s', async (_what, claims) => {
    const { oidc } = await setUp();
    expect(await oidc.aggregatedClaims(claims)).toEqual([]);
    expect(await oidc.distributedClaims(claims)).toEqual([]);
  });

  it('of more sources than any provider has are refused', async () => {
    const { oidc } = await setUp();
    const names = Array.from({ length: 17 }, (_, index) => `s${index}`);
    const claims = {
      _claim_names: Object.fromEntries(names.map((name) => [name, name])),
      _claim_sources: Object.fromEntries(names.map((name) => [name, { JWT: 'x', endpoint: 'https://bank.test' }])),
    };
    expect(await rejection(oidc.aggregatedClaims(claims))).toMatchObject({ code: 'TOO_MANY_MEMBERS' });
    expect(await rejection(oidc.distributedClaims(claims))).toMatchObject({ code: 'TOO_MANY_MEMBERS' });
  });
});

it('Core 5.6 whatever claims name as sources is read, and a source gives only what is named for it', async () => {
  const { oidc } = await setUp();
  const name = fc.constantFrom('a', 'b', 'sub', '__proto__', 'constructor');
  const jwt = fc.oneof(
    fc.string(),
    fc.dictionary(name, fc.jsonValue(), { noNullPrototype: true }).map((members) => signed(members)),
    fc.jsonValue(),
  );
  const claims = fc.record(
    {
      _claim_names: fc.oneof(fc.dictionary(name, name, { noNullPrototype: true }), fc.jsonValue()),
      _claim_sources: fc.oneof(
        fc.dictionary(name, fc.record({ JWT: jwt }, { noNullPrototype: true }), { noNullPrototype: true }),
        fc.jsonValue(),
      ),
    },
    { noNullPrototype: true },
  );
  let found = 0;
  await fc.assert(
    fc.asyncProperty(claims, async (members) => {
      for (const { source, claims: foreign, verifiedBy } of await oidc.aggregatedClaims(members as JsonObject)) {
        found += Object.keys(foreign).length;
        const names = new Map(Object.entries(Object(members._claim_names)));
        expect(Object.keys(foreign).filter((claim) => names.get(claim) !== source)).toEqual([]);
        expect(verifiedBy).toBeUndefined();
      }
    }),
    { numRuns: 300 },
  );
  expect(found).toBeGreaterThan(0);
});

describe('Core 5.6 distributed claims', () => {
  const answering = async (api: Api, status: number, body: string, headers = {}) => {
    api.answer = (_request, response) =>
      void response.writeHead(status, { 'content-type': 'application/jwt', ...headers }).end(body);
  };

  it('F6 are fetched with the token beside their endpoint, in the header only', async () => {
    const { op, oidc } = await setUp();
    const bank = await Api.start();
    await answering(bank, 200, signed({ shoe_size: 44, email: 'a@b.test' }));
    const { tokens } = await loginWith(oidc, op);
    const sources = from({ endpoint: `${bank.url}/claims?of=alice`, access_token: 'ksj3n283dke' });
    op.userinfo({ body: (members) => ({ ...members, ...sources }) });
    const claims = await oidc.userinfo(tokens, 'alice');
    expect(bank.calls).toEqual([]);
    expect(await oidc.distributedClaims(claims)).toEqual([
      { source: 'src1', claims: { shoe_size: 44 }, verifiedBy: undefined, error: undefined },
    ]);
    const [{ method, url, headers, body } = bank.last] = bank.calls;
    expect([bank.calls.length, method, url, body]).toEqual([1, 'GET', '/claims?of=alice', '']);
    expect([headers.authorization, headers.accept]).toEqual(['Bearer ksj3n283dke', 'application/jwt']);
    expect(await oidc.aggregatedClaims(claims)).toEqual([]);
  });

  it('are fetched without a token where there is none, and never with ours', async () => {
    const { oidc } = await setUp();
    const bank = await Api.start();
    await answering(bank, 200, signed({ iss: BANK, credit_score: 1 }));
    expect(
      await oidc.distributedClaims(from({ endpoint: bank.url, access_token: null }), { trusted: TRUSTED }),
    ).toMatchObject([{ claims: { credit_score: 1 }, verifiedBy: BANK }]);
    expect(bank.last.headers).not.toHaveProperty('authorization');
  });

  it.each<[string, number, string, object, string]>([
    ['a refusal', 401, '', {}, 'UNEXPECTED_STATUS'],
    ['a redirect', 302, '', { location: 'http://127.0.0.1:1/' }, 'UNEXPECTED_REDIRECT'],
    ['a page', 200, '<html>', { 'content-type': 'text/html' }, 'JWT_MALFORMED'],
    ['an answer without end', 200, 'x'.repeat(600_000), {}, 'RESPONSE_TOO_LARGE'],
    ['an outage', 500, '', {}, 'UPSTREAM_ERROR'],
  ])('are none after %s, and those of other sources come', async (_what, status, body, headers, code) => {
    const { oidc } = await setUp();
    const [bank, other] = [await Api.start(), await Api.start()];
    await answering(bank, status, body, headers);
    await answering(other, 200, signed({ other: 'x' }));
    const claims = from({ endpoint: bank.url });
    const sources = { ...Object(claims['_claim_sources']), src2: { endpoint: other.url } };
    expect(await oidc.distributedClaims({ ...claims, _claim_sources: sources })).toMatchObject([
      { source: 'src1', claims: {}, error: { code } },
      { source: 'src2', claims: { other: 'x' }, error: undefined },
    ]);
  });

  const onTheInternet = async () => {
    const op = await startProvider({ publicOrigin: 'https://op.test' });
    const bank = await Api.start();
    await answering(bank, 200, signed({ credit_score: 1 }));
    const outside = closeLater(new SeenDispatcher({ 'https://op.test': op.origin, 'https://bank.test': bank.url }));
    const transport = new Transport(new Connections(LIMITS, op.clock.now, { dispatcher: outside }));
    return { bank, outside, ...clientOf(op, { settings: { transport } }) };
  };

  it.each([
    'http://bank.test/',
    'http://169.254.169.254/latest/meta-data',
    'https://169.254.169.254/',
    'http://127.0.0.1:8080/',
    'https://127.0.0.1/',
    'https://2130706433/',
    'https://localhost/',
    'https://[::1]/',
    'https://[::ffff:10.0.0.1]/',
    'https://192.168.0.1/',
    'https://user:word@bank.test/',
    'https://bank.test/#x',
    'file:///etc/passwd',
    'bank.test',
    '',
  ])('UI-11 of %j are not fetched', async (endpoint) => {
    const { oidc, outside } = await onTheInternet();
    const [source] = await oidc.distributedClaims(from({ endpoint, access_token: 'x' }));
    expect(source).toMatchObject({ source: 'src1', claims: {}, error: { code: 'CLAIM_SOURCE_REFUSED' } });
    expect(outside.calls).toEqual([]);
  });

  it('UI-11 are fetched from the internet, or from the origins that are named', async () => {
    const { oidc, bank, outside } = await onTheInternet();
    const claims = from({ endpoint: 'https://bank.test/claims' });
    expect(await oidc.distributedClaims(claims)).toMatchObject([{ claims: { credit_score: 1 } }]);
    expect(await oidc.distributedClaims(claims, { origins: ['https://bank.test'] })).toMatchObject([
      { claims: { credit_score: 1 } },
    ]);
    expect(bank.calls).toHaveLength(2);
    const [source] = await oidc.distributedClaims(claims, { origins: ['https://other.test'] });
    expect(source?.error).toMatchObject({ code: 'CLAIM_SOURCE_REFUSED' });
    expect(outside.calls).toEqual(['GET https://bank.test/claims', 'GET https://bank.test/claims']);
  });

  it.each([7, [], '', 'a\r\nb', 'ü'])('with %j for a token are not fetched', async (access_token) => {
    const { oidc } = await setUp();
    const bank = await Api.start();
    const [source] = await oidc.distributedClaims(from({ endpoint: bank.url, access_token }));
    expect(source?.error).toMatchObject({ code: 'CLAIM_SOURCE_REFUSED' });
    expect(bank.calls).toEqual([]);
  });
});

it('a key of a claims provider may be private by mistake, and is left out', async () => {
  const { oidc } = await setUp();
  const trusted = [{ issuer: BANK, jwks: { keys: [privateJwk(KEY) as JsonObject] } }];
  const [source] = await oidc.aggregatedClaims(from({ JWT: signed({ iss: BANK }) }), { trusted });
  expect(source?.error).toMatchObject({ code: 'SIGNATURE_INVALID' });
});
