import { describe, expect, it } from '@jest/globals';

import { parseCompactJws } from '../../lib/jose/compact-jws.js';
import type { Answer } from '../../lib/testing/http-faults.js';
import { keyOf } from '../../lib/testing/provider/keys.js';
import { clientOf, loginWith, rejection } from '../support/client/client.js';
import { keysAt, signedBy } from '../support/client/remote-keys.js';
import type { HostileProvider } from '../support/provider/hostile-provider.js';
import { startProvider } from '../support/provider/provider.js';

const KEY = keyOf('P-256');
const known = (op: HostileProvider) => signedBy(op.key('ES256'), 'ES256');
const unknown = (kid: string) => signedBy(keyOf('P-256', 'stranger'), 'ES256', { kid });
const rotate = (op: HostileProvider, keepOld = false) => op.rotate({ keepOld, kinds: ['P-256'] });
const client = { metadata: { id_token_signed_response_alg: 'ES256' } };

async function warm() {
  const op = await startProvider();
  const keys = keysAt(op);
  expect(await keys.outcome(known(op))).toBe('verified');
  return { op, keys };
}

/** Keeps answers back until they are let go. */
function holding(op: HostileProvider): () => void {
  let letGo = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  op.answer('jwks', async (_request, next) => {
    const answer = await next();
    await gate;
    return answer;
  });
  return letGo;
}

const countOf = (outcomes: readonly string[]): Readonly<Record<string, number>> =>
  Object.fromEntries([...new Set(outcomes)].map((one) => [one, outcomes.filter((outcome) => outcome === one).length]));

describe('the header of a JWT', () => {
  const isKept = (jwt: string) => parseCompactJws(jwt, 8192).header === parseCompactJws(jwt, 8192).header;

  it('is kept when a published key has made the signature', async () => {
    const { op, keys } = await warm();
    const good = signedBy(op.key('ES256'), 'ES256', { note: 'good' });
    expect(isKept(good)).toBe(false);
    expect([await keys.outcome(good, 'stranger'), isKept(good)]).toEqual(['verified', true]);
  });

  it('is not kept when somebody else did', async () => {
    const { op, keys } = await warm();
    const forged = signedBy(keyOf('P-256', 'stranger'), 'ES256', { kid: op.key('ES256').kid, note: 'forged' });
    const ofUnknownKey = unknown('made up');
    expect(await keys.outcome(forged)).toBe('SIGNATURE_INVALID');
    expect(await keys.outcome(ofUnknownKey)).toBe('KEY_NOT_FOUND');
    expect([forged, ofUnknownKey].map(isKept)).toEqual([false, false]);
  });
});

describe('keys that are fetched', () => {
  it('JWKS-26 once for 200 who ask at the same time', async () => {
    const op = await startProvider();
    const keys = keysAt(op);
    const outcomes = await Promise.all(Array.from({ length: 200 }, () => keys.outcome(known(op))));
    expect([countOf(outcomes), op.count('jwks')]).toEqual([{ verified: 200 }, 1]);
  });

  it('JWKS-26 fail for all 200, and are fetched again by the next', async () => {
    const op = await startProvider();
    const keys = keysAt(op);
    op.answer('jwks', { status: 404 }, { times: 1 });
    const outcomes = await Promise.all(Array.from({ length: 200 }, () => keys.outcome(known(op))));
    expect([countOf(outcomes), op.count('jwks')]).toEqual([{ UNEXPECTED_STATUS: 200 }, 1]);
    expect([await keys.outcome(known(op)), op.count('jwks')]).toEqual(['verified', 2]);
  });

  it('NEST-02 are fetched again where one was published that can not be used', async () => {
    const op = await startProvider();
    const keys = keysAt(op);
    op.jwks(({ keys: published }) => ({ keys: published.map((jwk) => ({ ...jwk, x: 'AA' })) }));
    expect([await keys.outcome(known(op), 'stranger'), op.count('jwks')]).toEqual(['KEY_NOT_FOUND', 2]);
    op.jwks((body) => body);
    op.clock.advance(29);
    expect([await keys.outcome(known(op), 'stranger'), op.count('jwks')]).toEqual(['KEY_NOT_FOUND', 2]);
    op.clock.advance(1);
    expect([await keys.outcome(known(op), 'stranger'), op.count('jwks')]).toEqual(['verified', 3]);
  });

  const set = JSON.stringify({ keys: [KEY.jwk] });

  it.each<[string, Answer, string]>([
    ['JWKS-19 an object of keys', { body: { keys: {} } }, 'JWKS_INVALID'],
    ['JWKS-19 null among the keys', { body: { keys: [KEY.jwk, null] } }, 'JWKS_INVALID'],
    ['JWKS-19 a list among the keys', { body: { keys: [[KEY.jwk]] } }, 'JWKS_INVALID'],
    ['JWKS-19 no keys', { body: {} }, 'JWKS_INVALID'],
    ['JWKS-19 a list', { body: [] }, 'INVALID_JSON'],
    [
      'JWKS-19 half of a set',
      { body: Buffer.from(set.slice(0, 99)), headers: { 'content-type': 'application/json' } },
      'INVALID_JSON',
    ],
    ['JWKS-20 5000 keys', { body: { keys: Array.from({ length: 5000 }, () => ({ kty: 'RSA' })) } }, 'TOO_MANY_KEYS'],
    ['JWKS-20 101 keys', { body: { keys: Array.from({ length: 101 }, () => KEY.jwk) } }, 'TOO_MANY_KEYS'],
    [
      'JWKS-20 a certificate of a megabyte',
      { body: { keys: [{ ...KEY.jwk, x5c: ['x'.repeat(1_048_576)] }] } },
      'RESPONSE_TOO_LARGE',
    ],
    ['JWKS-23 a redirect', { status: 302, headers: { location: 'https://evil.test/jwks' } }, 'UNEXPECTED_REDIRECT'],
    ['JWKS-24 text/html', { body: set, headers: { 'content-type': 'text/html' } }, 'UNEXPECTED_CONTENT_TYPE'],
    ['JWKS-24 no media type', { body: set }, 'UNEXPECTED_CONTENT_TYPE'],
    [
      'JWKS-24 almost the media type',
      { body: set, headers: { 'content-type': 'application/jsonp' } },
      'UNEXPECTED_CONTENT_TYPE',
    ],
    ['not found', { status: 404, body: { keys: [KEY.jwk] } }, 'UNEXPECTED_STATUS'],
    ['created', { status: 201, body: { keys: [KEY.jwk] } }, 'UNEXPECTED_STATUS'],
    ['unavailable', { status: 503, body: { keys: [KEY.jwk] } }, 'UPSTREAM_UNAVAILABLE'],
  ])('%s are not used, and the last good ones are until their hour is over', async (_what, answer, code) => {
    const { op, keys } = await warm();
    op.answer('jwks', answer);
    op.clock.advance(601);
    expect(await keys.outcome(known(op))).toBe('verified');
    op.clock.advance(3598);
    expect(await keys.outcome(known(op))).toBe('verified');
    op.clock.advance(1);
    expect(await keys.outcome(known(op))).toBe(code);
    op.reset();
    expect(await keys.outcome(known(op))).toBe('verified');
  });

  it.each([
    'application/json',
    'application/jwk-set+json',
    'Application/JSON; charset=UTF-8',
    'application/jwk-set+json;x=y',
  ])('JWKS-24 as %s are used', async (type) => {
    const op = await startProvider();
    op.answer('jwks', { body: set, headers: { 'content-type': type } });
    expect(await keysAt(op).outcome(known(op))).toBe('verified');
    expect(op.last('jwks').headers.accept).toBe('application/json, application/jwk-set+json');
  });

  it('JWKS-20 100 keys are used', async () => {
    const op = await startProvider();
    op.jwks(({ keys }) => ({
      keys: [
        ...Array.from({ length: 99 }, () => ({ kty: 'XYZ' })),
        ...keys.filter(({ crv, use }) => crv === 'P-256' && use === 'sig'),
      ],
    }));
    expect(await keysAt(op).outcome(known(op))).toBe('verified');
  });

  it('JWKS-21 none at all verify nothing', async () => {
    const op = await startProvider();
    op.jwks(() => ({ keys: [] }));
    const keys = keysAt(op);
    expect(await keys.outcome(known(op))).toBe('KEY_NOT_FOUND');
    expect(await keys.outcome(signedBy(KEY, 'ES256', { kid: undefined }))).toBe('KEY_NOT_FOUND');
  });

  it('JWKS-23 bring no cookie that is ever sent', async () => {
    const { op, keys } = await warm();
    const cookie = { 'set-cookie': 'a=b; Path=/' };
    op.answer('jwks', async (_request, next) => ({ ...(await next()), headers: cookie }));
    expect(await keys.outcome(unknown('k2'))).toBe('KEY_NOT_FOUND');
    expect(await keys.outcome(unknown('k3'))).toBe('KEY_NOT_FOUND');
    expect(op.requests('jwks').map(({ headers }) => headers.cookie)).toEqual([undefined, undefined, undefined]);
  });

  it('A6 come from the jwks_uri of the metadata, after it and before userinfo', async () => {
    const op = await startProvider();
    op.discovery((document) => ({ ...document, jwks_uri: `${op.url('jwks')}?run=1` }));
    await loginWith(clientOf(op, client).oidc, op, { callback: { userinfo: true } });
    expect(op.requests().map(({ endpoint }) => endpoint)).toEqual(['discovery', 'token', 'jwks', 'userinfo']);
    expect(op.last('jwks').query.get('run')).toBe('1');
  });

  it('A6 are needed: without a jwks_uri no ID token is believed', async () => {
    const op = await startProvider();
    op.discovery(({ jwks_uri: _, ...document }) => document);
    const refusal = await rejection(loginWith(clientOf(op, client).oidc, op, { callback: { userinfo: true } }));
    expect(refusal).toMatchObject({ name: 'ConfigError', code: 'NO_JWKS_URI', member: 'server.jwks_uri' });
    expect(op.count('userinfo')).toBe(0);
  });
});

describe('a key that is not known', () => {
  it('JWKS-01 CLOCK-12 A10 is fetched once, and for all who need it', async () => {
    const { op, keys } = await warm();
    rotate(op, true);
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => keys.outcome(known(op), 'stranger')));
    expect([countOf(outcomes), op.count('jwks')]).toEqual([{ verified: 50 }, 2]);
    expect([await keys.outcome(signedBy(KEY, 'ES256')), op.count('jwks')]).toEqual(['verified', 2]);
  });

  it('A10 CLOCK-12 that signs an ID token is fetched in the same login', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op, client);
    await loginWith(oidc, op);
    rotate(op);
    await expect(loginWith(oidc, op)).resolves.toMatchObject({ idToken: { sub: 'alice' } });
    expect(op.count('jwks')).toBe(2);
  });

  it('A11 may come with every login, whatever the cool-down', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op, client);
    op.idToken({ header: (header) => ({ ...header, kid: 'never' }) });
    await expect(loginWith(oidc, op)).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' });
    op.reset();
    for (const fetched of [3, 4, 5]) {
      rotate(op);
      await expect(loginWith(oidc, op)).resolves.toMatchObject({ idToken: { sub: 'alice' } });
      expect(op.count('jwks')).toBe(fetched);
    }
  });

  it('JWKS-02 in a flood of a thousand strangers is asked for once in 30 seconds, and nobody else waits', async () => {
    const { op, keys } = await warm();
    const flood = Array.from({ length: 500 }, (_, index) => keys.outcome(unknown(`k${index}`), 'stranger'));
    expect([countOf(await Promise.all(flood)), op.count('jwks')]).toEqual([{ KEY_NOT_FOUND: 500 }, 2]);
    op.answer('jwks', 'hang');
    for (let index = 0; index < 500; index += 1) {
      expect(await keys.outcome(unknown(`s${index}`), 'stranger')).toBe('KEY_NOT_FOUND');
    }
    expect([await keys.outcome(known(op), 'stranger'), op.count('jwks')]).toEqual(['verified', 2]);
    op.heal();
    op.clock.advance(29);
    expect([await keys.outcome(unknown('k'), 'stranger'), op.count('jwks')]).toEqual(['KEY_NOT_FOUND', 2]);
    op.clock.advance(1);
    expect([await keys.outcome(unknown('k'), 'stranger'), op.count('jwks')]).toEqual(['KEY_NOT_FOUND', 3]);
  });

  it('JWKS-02 is asked for each time when the JWT came from the provider', async () => {
    const { op, keys } = await warm();
    for (const fetched of [2, 3, 4]) {
      expect([await keys.outcome(unknown('k')), op.count('jwks')]).toEqual(['KEY_NOT_FOUND', fetched]);
    }
  });

  it('CLOCK-11 and is published two seconds late is found after the cool-down', async () => {
    const { op, keys } = await warm();
    rotate(op, true);
    op.jwks(() => ({ keys: [KEY.jwk] }));
    expect(await keys.outcome(known(op), 'stranger')).toBe('KEY_NOT_FOUND');
    op.clock.advance(2);
    op.reset();
    expect(await keys.outcome(known(op), 'stranger')).toBe('KEY_NOT_FOUND');
    op.clock.advance(28);
    expect([await keys.outcome(known(op), 'stranger'), op.count('jwks')]).toEqual(['verified', 3]);
  });

  it('CLOCK-06 is found when the clock was set back during the cool-down', async () => {
    const { op, keys } = await warm();
    expect(await keys.outcome(unknown('k'), 'stranger')).toBe('KEY_NOT_FOUND');
    op.clock.advance(-3600);
    expect(await keys.outcome(known(op), 'stranger')).toBe('verified');
    rotate(op);
    expect(await keys.outcome(known(op), 'stranger')).toBe('verified');
  });

  it('JWKS-03 in an outage is the token’s fault while the keys are young, later the outage’s', async () => {
    const { op, keys } = await warm();
    op.answer('jwks', { status: 503 });
    op.clock.advance(29);
    expect(await keys.outcome(unknown('k'), 'stranger')).toBe('KEY_NOT_FOUND');
    expect(await keys.outcome(unknown('k'))).toBe('UPSTREAM_UNAVAILABLE');
    op.clock.advance(5);
    expect(await keys.outcome(unknown('k'), 'stranger')).toBe('UPSTREAM_UNAVAILABLE');
    expect(await keys.outcome(known(op), 'stranger')).toBe('verified');
  });

  it('JWKS-02 JWKS-03 in a flood during an outage looks into the outage once in five seconds', async () => {
    const { op, keys } = await warm();
    op.clock.advance(60);
    op.answer('jwks', 'reset');
    const flood = async () => {
      for (let index = 0; index < 20; index += 1) {
        expect(await keys.outcome(unknown(`k${index}`), 'stranger')).toBe('UPSTREAM_UNAVAILABLE');
      }
    };
    await flood();
    // The first attempt, and its retry.
    expect(op.count('jwks')).toBe(3);
    op.clock.advance(5);
    await flood();
    expect(op.count('jwks')).toBe(5);
  });
});

describe('keys that get older', () => {
  it('JWKS-05 are dropped with the lifetime of the set when the server removed them', async () => {
    const { op, keys } = await warm();
    const old = known(op);
    rotate(op);
    op.clock.advance(599);
    const letGo = holding(op);
    expect(await keys.outcome(old)).toBe('verified');
    letGo();
    op.clock.advance(1);
    expect(await keys.outcome(old)).toBe('KEY_NOT_FOUND');
    expect(await keys.outcome(known(op))).toBe('verified');
  });

  it('CLOCK-16 are renewed ahead of their end, once for a thousand, and nobody waits', async () => {
    const { op, keys } = await warm();
    op.clock.advance(450);
    const letGo = holding(op);
    const outcomes = await Promise.all(Array.from({ length: 1000 }, () => keys.outcome(known(op))));
    await op.arrival('jwks', 2);
    expect([countOf(outcomes), op.count('jwks')]).toEqual([{ verified: 1000 }, 2]);
    letGo();
  });

  it('CLOCK-07 are fetched once when the clock jumps a day ahead', async () => {
    const { op, keys } = await warm();
    op.clock.advance(86_400);
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => keys.outcome(known(op))));
    expect([countOf(outcomes), op.count('jwks')]).toEqual([{ verified: 50 }, 2]);
  });

  it('CLOCK-06 are fetched again when the clock jumps an hour back', async () => {
    const { op, keys } = await warm();
    op.clock.advance(-3600);
    expect([await keys.outcome(known(op)), op.count('jwks')]).toEqual(['verified', 2]);
    op.clock.advance(300);
    expect([await keys.outcome(known(op)), op.count('jwks')]).toEqual(['verified', 2]);
    op.clock.advance(300);
    expect([await keys.outcome(known(op)), op.count('jwks')]).toEqual(['verified', 3]);
  });

  it.each(['provider', 'stranger'] as const)(
    'CLOCK-14 fail no JWT of a %s that the old or the new set verifies while one is on its way',
    async (origin) => {
      const { op, keys } = await warm();
      const before = known(op);
      op.clock.advance(450);
      const letGo = holding(op);
      expect(await keys.outcome(before, origin)).toBe('verified');
      await op.arrival('jwks', 2);
      // The answer that is on its way has been made: it lacks the new key.
      rotate(op, true);
      const jwts = Array.from({ length: 50 }, (_, index) => (index % 2 === 0 ? before : known(op)));
      const outcomes = jwts.map((jwt) => keys.outcome(jwt, origin));
      letGo();
      expect(countOf(await Promise.all(outcomes))).toEqual({ verified: 50 });
      expect(op.count('jwks')).toBe(3);
    },
  );

  it('CLOCK-15 are forgotten when they are told to be', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op, client);
    await loginWith(oidc, op);
    const old = op.key('ES256');
    rotate(op);
    op.idToken({ sign: old, header: (header) => ({ ...header, kid: old.kid }) });
    await expect(loginWith(oidc, op)).resolves.toMatchObject({ idToken: { sub: 'alice' } });
    oidc.forgetKeys();
    await expect(loginWith(oidc, op)).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' });
    op.reset();
    await expect(loginWith(oidc, op)).resolves.toMatchObject({ idToken: { sub: 'alice' } });
  });
});
