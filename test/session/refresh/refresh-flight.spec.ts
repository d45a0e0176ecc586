import { describe, expect, it } from '@jest/globals';

import { Clock } from '../../../lib/clock/clock.js';
import { OAuthError, TransportError } from '../../../lib/errors/errors.js';
import { RefreshFlight } from '../../../lib/session/refresh/refresh-flight.js';
import { MemoryStore } from '../../../lib/storage/memory-store.js';
import { Sealer } from '../../../lib/storage/sealer.js';
import { TokenResponse } from '../../../lib/tokens/token-response.js';

const T = 1_800_000_000_000;
const RT = { access_token: 'old', refresh_token: 'rt' };
const sealer = new Sealer(['s'.repeat(32)]);

/** Replicas that share a store, and a server that counts the uses of a refresh token. */
function deployment({ replicas = 2, size = 10 } = {}) {
  const time = { now: T };
  const now = () => time.now;
  const store = new MemoryStore({ now });
  const clock = new Clock(now, 0, 0);
  const of = (issuer: string, client_id: string) =>
    new RefreshFlight({ clock, issuer, metadata: { client_id } as never, name: undefined }, sealer, store);
  const flights = Array.from({ length: replicas }, () => of('https://op.test', 'rp1'));
  const uses: string[] = [];
  const refresh = (name: string) => async () => {
    uses.push(name);
    const access_token = name + 'x'.repeat(size);
    return new TokenResponse({ access_token, token_type: 'Bearer', scope: 'openid', refresh_token: 'next' });
  };
  const [first, second] = flights;
  if (first === undefined || second === undefined) {
    throw new Error('There are two replicas');
  }
  return { time, store, of, first, second, uses, refresh };
}

describe('replicas that share a store', () => {
  it.each([
    ['of 10 bytes', 10],
    ['of 20 KB, more than a cookie holds', 20_480],
  ])('send a refresh token once, and share tokens %s', async (_what, size) => {
    const { first, second, uses, refresh } = deployment({ size });
    const [one, other] = await Promise.all([first.join(RT, refresh('a')), second.join(RT, refresh('b'))]);
    expect([one.access_token, other.access_token]).toEqual([`a${'x'.repeat(size)}`, `a${'x'.repeat(size)}`]);
    expect(uses).toEqual(['a']);
  });

  it('share the tokens for half a minute, and no longer', async () => {
    const { time, first, second, uses, refresh } = deployment();
    await first.join(RT, refresh('a'));
    time.now = T + 29_999;
    await second.join(RT, refresh('b'));
    expect(uses).toEqual(['a']);
    time.now = T + 60_000;
    await second.join(RT, refresh('c'));
    expect(uses).toEqual(['a', 'c']);
  });

  it('send a refresh token again for the tokens that it brought, where the server does not rotate', async () => {
    const { first, second, uses, refresh } = deployment();
    const brought = { ...RT, access_token: (await first.join(RT, refresh('a'))).access_token };
    const [again, other] = await Promise.all([first.join(brought, refresh('b')), second.join(brought, refresh('c'))]);
    expect([uses, again.access_token]).toEqual([['a', 'b'], `b${'x'.repeat(10)}`]);
    expect(other.access_token).toBe(again.access_token);
    expect((await second.join(RT, refresh('d'))).access_token).toBe(again.access_token);
    expect(uses).toEqual(['a', 'b']);
  });

  it('share that the server takes the token no more', async () => {
    const { first, second, uses, refresh } = deployment();
    const spent = () => Promise.reject(new OAuthError('OP_ERROR', 'invalid_grant', 'The server refused the request.'));
    await expect(first.join(RT, spent)).rejects.toMatchObject({ error: 'invalid_grant' });
    await expect(second.join(RT, refresh('b'))).rejects.toMatchObject({ error: 'invalid_grant' });
    expect(uses).toEqual([]);
  });

  it('TEN-04 share nothing with another client or another provider, whose refresh token is the same text', async () => {
    const { of, first, uses, refresh } = deployment();
    await first.join(RT, refresh('a'));
    const [another, elsewhere] = await Promise.all([
      of('https://op.test', 'rp2').join(RT, refresh('b')),
      of('https://elsewhere.test', 'rp1').join(RT, refresh('c')),
    ]);
    expect([another.access_token[0], elsewhere.access_token[0]]).toEqual(['b', 'c']);
    expect(uses).toEqual(['a', 'b', 'c']);
  });

  it('share no error that passes', async () => {
    const { first, second, uses, refresh } = deployment();
    const down = () => Promise.reject(new TransportError('UPSTREAM_UNAVAILABLE', 'The server can not be reached.'));
    await expect(first.join(RT, down)).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
    await second.join(RT, refresh('b'));
    expect(uses).toEqual(['b']);
  });

  it('keep nothing in clear in the store', async () => {
    const { store, first, refresh } = deployment();
    const written: string[] = [];
    const set = store.set.bind(store);
    store.set = (key, value, lifetime) => {
      written.push(key, value);
      set(key, value, lifetime);
    };
    await first.join({ access_token: 'old', refresh_token: 'secret-refresh-token' }, refresh('secret-access-token'));
    expect(written.length).toBeGreaterThan(0);
    expect(written.join('\n')).not.toMatch(/secret|next/);
  });
});
