import { describe, expect, it } from '@jest/globals';

import type { ClientCredentialsOptions } from '../../lib/grants/client-credentials.js';
import { MemoryStore } from '../../lib/storage/memory-store.js';
import type { OidcStore } from '../../lib/storage/oidc-store.js';
import { decodeJwt, keyOf, privateJwk } from '../../lib/testing/provider/keys.js';
import { clientOf, rejection, type ClientSetup } from '../support/client/client.js';
import { startProvider } from '../support/provider/provider.js';
import { ObservedStore } from '../support/store/stores.js';

const ORDERS = { scope: 'orders:read' };

describe('the client’s own token', () => {
  it('F20 is asked for once, and again a minute before its end when somebody wants it then', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    const first = await oidc.clientToken(ORDERS);
    op.clock.advance(3539);
    expect(await oidc.clientToken({ scope: 'orders:read' })).toBe(first);
    expect(op.count('token')).toBe(1);
    op.clock.advance(1);
    expect(op.count('token')).toBe(1);
    const second = await oidc.clientToken(ORDERS);
    expect(second.access_token).not.toBe(first.access_token);
    expect(await oidc.clientToken(ORDERS)).toBe(second);
    expect(op.count('token')).toBe(2);
  });

  it.each([
    [100, 89, 90],
    [10, 8.9, 9],
    [86_400, 86_339, 86_340],
  ])('of %i seconds is used for %d seconds, and not for %d', async (expires_in, before, after) => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    op.tokenResponse((body) => ({ ...body, expires_in }));
    await oidc.clientToken();
    op.clock.advance(before);
    await oidc.clientToken();
    expect(op.count('token')).toBe(1);
    op.clock.advance(after - before);
    await oidc.clientToken();
    expect(op.count('token')).toBe(2);
  });

  it('E9 is kept for a minute where the server does not say when it expires', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    op.tokenResponse(({ expires_in: _, ...body }) => body);
    const first = await oidc.clientToken();
    op.clock.advance(53);
    expect(await oidc.clientToken()).toBe(first);
    op.clock.advance(1);
    expect(await oidc.clientToken()).not.toBe(first);
  });

  it('is not kept where it is expired at once', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    op.tokenResponse((body) => ({ ...body, expires_in: 0 }));
    await oidc.clientToken();
    await oidc.clientToken();
    expect(op.count('token')).toBe(2);
  });

  it('is shared by callers who come at the same time', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    const tokens = await Promise.all(Array.from({ length: 20 }, () => oidc.clientToken(ORDERS)));
    expect(new Set(tokens.map(({ access_token }) => access_token)).size).toBe(1);
    expect(op.count('token')).toBe(1);
  });

  it.each<[string, ClientCredentialsOptions, ClientCredentialsOptions]>([
    ['scope', { scope: 'a' }, { scope: 'b' }],
    ['no scope', { scope: 'a' }, { scope: '' }],
    ['resource', { resource: 'https://a.test' }, { resource: 'https://b.test' }],
    ['resources', { resource: ['https://a.test', 'https://b.test'] }, { resource: 'https://a.test' }],
    ['audience', { parameters: { audience: 'a' } }, { parameters: { audience: 'b' } }],
    [
      'details',
      { authorization_details: [{ type: 'account', actions: ['read'] }] },
      { authorization_details: [{ type: 'account', actions: ['write'] }] },
    ],
  ])('is another one for another %s', async (_what, one, other) => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    const [first, second] = [await oidc.clientToken(one), await oidc.clientToken(other)];
    expect(first.access_token).not.toBe(second.access_token);
    expect([await oidc.clientToken(one), await oidc.clientToken(other)]).toEqual([first, second]);
    expect(op.count('token')).toBe(2);
  });

  it('is the same whatever the order of the parameters', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    await oidc.clientToken({ parameters: { audience: 'a', tenant: 'b' } });
    await oidc.clientToken({ parameters: { tenant: 'b', audience: 'a' } });
    expect(op.count('token')).toBe(1);
  });

  it('that is good is used while the server fails, which is asked again in five seconds', async () => {
    const op = await startProvider();
    const { oidc, reported } = clientOf(op);
    const first = await oidc.clientToken();
    op.clock.advance(3541);
    op.answer('token', { status: 503, body: '' });
    expect([await oidc.clientToken(), await oidc.clientToken()]).toEqual([first, first]);
    expect(op.count('token')).toBe(2);
    expect(reported).toMatchObject([{ kind: 'client-token-failed', error: { code: 'UPSTREAM_UNAVAILABLE' } }]);
    op.clock.advance(5);
    expect(await oidc.clientToken()).toBe(first);
    expect(op.count('token')).toBe(3);
    op.heal();
    op.clock.advance(6);
    expect(await oidc.clientToken()).not.toBe(first);
  });

  it('that is expired is used by nobody', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    await oidc.clientToken();
    op.clock.advance(3600);
    op.answer('token', { status: 400, body: { error: 'invalid_scope' } });
    expect(await rejection(oidc.clientToken())).toMatchObject({ code: 'OP_ERROR', error: 'invalid_scope' });
    expect(await rejection(oidc.clientToken())).toMatchObject({ code: 'OP_ERROR' });
    expect(op.count('token')).toBe(3);
  });

  it('that is good goes on serving the others while one caller asks ahead', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    const first = await oidc.clientToken();
    op.clock.advance(3550);
    let answer = (): void => undefined;
    const answered = new Promise<void>((resolve) => (answer = resolve));
    op.answer('token', async (_request, next) => {
      await answered;
      return next();
    });
    const ahead = oidc.clientToken();
    await op.arrival('token', 2);
    expect(await oidc.clientToken()).toBe(first);
    answer();
    expect((await ahead).access_token).not.toBe(first.access_token);
    expect(op.count('token')).toBe(2);
  });

  it('that an API refused is forgotten, and the others stay', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    const [refused, other] = [await oidc.clientToken({ scope: 'a' }), await oidc.clientToken({ scope: 'b' })];
    await oidc.forget(refused.access_token);
    expect((await oidc.clientToken({ scope: 'a' })).access_token).not.toBe(refused.access_token);
    expect(await oidc.clientToken({ scope: 'b' })).toBe(other);
  });

  it('is not asked for where the grant is not registered', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op, { metadata: { grant_types: ['authorization_code'] } });
    expect(await rejection(oidc.clientToken())).toMatchObject({ member: 'client.grant_types' });
    expect(op.count()).toBe(0);
  });

  it('E11 is bound to a key that stays with it, and calls a resource', async () => {
    const op = await startProvider();
    const jwk = { ...privateJwk(keyOf('P-256', 'rp1')), alg: 'ES256' };
    const { oidc } = clientOf(op, {
      metadata: { client_secret: undefined, jwks: { keys: [jwk] }, dpop_bound_access_tokens: true },
    });
    const tokens = await oidc.clientToken(ORDERS);
    const again = await oidc.clientToken(ORDERS);
    expect([again.access_token, again.dpop_key?.jkt]).toEqual([tokens.access_token, tokens.dpop_key?.jkt]);
    expect(op.last('token').notes['proof']).toMatchObject({ jkt: tokens.dpop_key?.jkt });
    const headers = await oidc.authorizationHeaders(again, { method: 'GET', url: 'https://api.test/orders' });
    expect(headers['authorization']).toBe(`DPoP ${tokens.access_token}`);
    expect(decodeJwt(String(headers['dpop'])).claims).toMatchObject({ htu: 'https://api.test/orders' });
    op.clock.advance(3540);
    const renewed = await oidc.clientToken(ORDERS);
    expect(renewed.dpop_key?.jkt).not.toBe(tokens.dpop_key?.jkt);
    expect(op.last('token').notes['proof']).toMatchObject({ jkt: renewed.dpop_key?.jkt });
  });
});

describe('replicas with a store', () => {
  async function deployment(setup: ClientSetup = {}, store: OidcStore | undefined = undefined) {
    const op = await startProvider();
    const shared = store ?? new MemoryStore({ now: op.clock.now });
    const replica = (own: ClientSetup = {}) => clientOf(op, { ...setup, store: shared, ...own });
    return { op, store: shared, replica };
  }

  it('share one call and its token, key included', async () => {
    const { op, replica } = await deployment({ metadata: { dpop_bound_access_tokens: true } });
    const [one, other] = await Promise.all([replica().oidc.clientToken(ORDERS), replica().oidc.clientToken(ORDERS)]);
    const later = await replica().oidc.clientToken(ORDERS);
    expect(op.count('token')).toBe(1);
    expect([other.access_token, later.access_token]).toEqual([one.access_token, one.access_token]);
    expect([other.dpop_key?.toJwk(), later.dpop_key?.toJwk()]).toEqual([one.dpop_key?.toJwk(), one.dpop_key?.toJwk()]);
  });

  it('take a newer token of another replica instead of asking ahead', async () => {
    const { op, replica } = await deployment();
    const [one, other] = [replica().oidc, replica().oidc];
    await Promise.all([one.clientToken(), other.clientToken()]);
    op.clock.advance(3550);
    const renewed = await one.clientToken();
    expect((await other.clientToken()).access_token).toBe(renewed.access_token);
    expect(op.count('token')).toBe(2);
  });

  it('forget a token in the store too, but not a newer one', async () => {
    const { op, replica } = await deployment();
    const [one, other] = [replica().oidc, replica().oidc];
    const refused = await one.clientToken();
    await other.clientToken();
    await one.forget(refused.access_token);
    const renewed = await one.clientToken();
    expect(renewed.access_token).not.toBe(refused.access_token);
    await other.forget(refused.access_token);
    expect((await other.clientToken()).access_token).toBe(renewed.access_token);
    expect(op.count('token')).toBe(2);
  });

  it('keep nothing in clear there, and take nothing that somebody else wrote', async () => {
    const written = new Map<string, string>();
    const memory = new MemoryStore();
    const spy: OidcStore = Object.assign(Object.create(memory), {
      get: memory.get.bind(memory),
      claim: memory.claim.bind(memory),
      delete: memory.delete.bind(memory),
      set: (key: string, value: string, lifetime: number) => {
        written.set(key, value);
        memory.set(key, value, lifetime);
      },
    });
    const { op, replica } = await deployment({}, spy);
    const { access_token } = await replica().oidc.clientToken(ORDERS);
    await replica().oidc.clientToken({ scope: 'orders:write' });
    const [[key, first] = ['', ''], [otherKey, second] = ['', '']] = [...written];
    expect(`${key} ${first} ${otherKey} ${second}`).not.toContain(access_token);
    expect(key).toMatch(/^client-token:/);
    // What is sealed for one request opens for no other.
    memory.set(key, second, 10_000);
    expect((await replica().oidc.clientToken(ORDERS)).access_token).not.toBe(access_token);
    memory.set(key, 'forged', 10_000);
    await replica().oidc.clientToken(ORDERS);
    expect(op.count('token')).toBe(4);
  });

  it.each<[string, Partial<ClientSetup['metadata']>]>([
    ['another secret', { client_secret: 'another-secret-of-thirty-two-bytes' }],
    ['another client', { client_id: 'rp2' }],
    ['tokens that are bound to a key', { dpop_bound_access_tokens: true }],
  ])('share nothing with %s', async (_what, metadata) => {
    const { op, replica } = await deployment();
    await replica().oidc.clientToken();
    await replica({ metadata: { ...metadata } }).oidc.clientToken();
    expect(op.count('token')).toBe(2);
  });

  it('share no token that is bound to a certificate: each may show its own', async () => {
    const { op, replica } = await deployment({ metadata: { tls_client_certificate_bound_access_tokens: true } });
    await replica().oidc.clientToken();
    await replica().oidc.clientToken();
    expect(op.count('token')).toBe(2);
  });

  it.each(['get', 'claim', 'set'])('ask each for themselves while the store takes no %s', async (failing) => {
    const store = new ObservedStore();
    store.fails = (call) => call === failing;
    const { op, replica } = await deployment({}, store);
    const { oidc, reported } = replica();
    const first = await oidc.clientToken();
    expect(await oidc.clientToken()).toBe(first);
    expect(op.count('token')).toBe(1);
    expect(reported).toMatchObject(failing === 'set' ? [] : [{ kind: 'client-tokens-not-shared' }]);
  });

  it('share no failure', async () => {
    const { op, replica } = await deployment();
    op.answer('token', { status: 503, body: '' }, { times: 1 });
    expect(await rejection(replica().oidc.clientToken())).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
    expect((await replica().oidc.clientToken()).token_type).toBe('Bearer');
  });
});
