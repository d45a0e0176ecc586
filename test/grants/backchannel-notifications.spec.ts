import { describe, expect, it } from '@jest/globals';

import { realWait, type Wait } from '../../lib/clock/wait.js';
import type { ClientMetadata } from '../../lib/metadata/client-metadata.js';
import { MemoryStore } from '../../lib/storage/memory-store.js';
import type { OidcStore } from '../../lib/storage/oidc-store.js';
import { clientOf, rejection } from '../support/client/client.js';
import type { HostileProvider, Members } from '../support/provider/hostile-provider.js';
import { startProvider } from '../support/provider/provider.js';
import { ObservedStore } from '../support/store/stores.js';

const ALICE = { login_hint: 'alice', scope: 'openid offline_access' };

/** A wait that ends by a notification or a signal only, and says that it has begun. */
class Waiting {
  begun: () => void = () => undefined;
  readonly beginning = new Promise<void>((resolve) => (this.begun = resolve));

  readonly wait: Wait = (_milliseconds, signal) =>
    new Promise((_resolve, reject) => {
      signal?.addEventListener('abort', () => reject(new Error('The wait was ended')));
      this.begun();
    });
}

const metadataFor = (mode: 'ping' | 'push'): Partial<ClientMetadata> => ({
  backchannel_token_delivery_mode: mode,
  backchannel_client_notification_endpoint: 'https://app.test/auth/backchannel-notification',
});

const authorizationOf = (op: HostileProvider): string =>
  `Bearer ${op.last('backchannel-authentication').form['client_notification_token']}`;

async function setUp(mode: 'ping' | 'push', store?: OidcStore) {
  const op = await startProvider();
  const waiting = new Waiting();
  const { oidc } = clientOf(op, { metadata: metadataFor(mode), wait: waiting.wait, ...(store && { store }) });
  const request = await oidc.backchannelAuthentication(ALICE);
  const { auth_req_id } = request;
  return { op, oidc, request, waiting, auth_req_id, authorization: authorizationOf(op) };
}

describe('a ping', () => {
  it('G10 with the right token makes the client ask at once', async () => {
    const { op, oidc, request, waiting, auth_req_id, authorization } = await setUp('ping');
    const tokens = request.tokens();
    await waiting.beginning;
    expect(op.count('token')).toBe(0);
    op.decide(auth_req_id, 'approved');
    await oidc.backchannelNotification({ authorization, body: { auth_req_id } });
    expect((await tokens).idToken?.sub).toBe('alice');
    expect(op.count('token')).toBe(1);
  });

  it('that comes before anybody waits is not lost, and counts once', async () => {
    const { op, oidc, request, waiting, auth_req_id, authorization } = await setUp('ping');
    await oidc.backchannelNotification({ authorization, body: { auth_req_id } });
    const tokens = request.tokens();
    await waiting.beginning;
    expect(op.count('token')).toBe(1);
    op.decide(auth_req_id, 'approved');
    op.clock.advance(5);
    await oidc.backchannelNotification({ authorization, body: { auth_req_id } });
    await tokens;
    expect(op.count('token')).toBe(2);
  });

  it('that comes before the answer to the request waits for it', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op, { metadata: metadataFor('ping'), wait: new Waiting().wait });
    let notified = Promise.resolve();
    op.backchannelResponse((body, { form }) => {
      const authorization = `Bearer ${form['client_notification_token']}`;
      notified = oidc.backchannelNotification({ authorization, body: { auth_req_id: body['auth_req_id'] } });
      op.decide(String(body['auth_req_id']), 'approved');
      return body;
    });
    const request = await oidc.backchannelAuthentication(ALICE);
    await notified;
    expect((await request.tokens()).idToken?.sub).toBe('alice');
  });

  it('that was lost is made good by the polls', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op, { metadata: metadataFor('ping') });
    const request = await oidc.backchannelAuthentication(ALICE);
    op.decide(request.auth_req_id, 'approved');
    expect((await request.tokens()).idToken?.sub).toBe('alice');
    expect(op.clock.seconds).toBe(1_800_000_005);
  });

  it.each<[string, (right: string) => string | undefined, (id: string) => unknown]>([
    ['without a token', () => undefined, (auth_req_id) => ({ auth_req_id })],
    ['with another token', () => `Bearer ${'A'.repeat(43)}`, (auth_req_id) => ({ auth_req_id })],
    [
      'with the token in another scheme',
      (right) => right.replace('Bearer', 'Basic'),
      (auth_req_id) => ({ auth_req_id }),
    ],
    ['with two tokens', (right) => `${right} ${right}`, (auth_req_id) => ({ auth_req_id })],
    ['about another request', (right) => right, () => ({ auth_req_id: 'other' })],
    ['about no request', (right) => right, () => ({})],
    ['about a list', (right) => right, (auth_req_id) => ({ auth_req_id: [auth_req_id] })],
    ['that is a list', (right) => right, (auth_req_id) => [{ auth_req_id }]],
    ['that is empty', (right) => right, () => undefined],
  ])('G11 %s is refused, and nothing is fetched', async (_what, header, body) => {
    const { op, oidc, request, waiting, auth_req_id, authorization } = await setUp('ping');
    const controller = new AbortController();
    const tokens = request.tokens({ signal: controller.signal });
    await waiting.beginning;
    const sent = { authorization: header(authorization), body: body(auth_req_id) };
    expect(await rejection(oidc.backchannelNotification(sent))).toMatchObject({
      name: 'VerificationError',
      code: 'NOTIFICATION_REFUSED',
    });
    controller.abort();
    await rejection(tokens);
    expect(op.count('token')).toBe(0);
  });

  it('about a request that the server refused is refused', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op, { metadata: metadataFor('ping') });
    op.answer('backchannel-authentication', { status: 400, body: { error: 'unknown_user_id' } });
    await rejection(oidc.backchannelAuthentication(ALICE));
    const sent = { authorization: authorizationOf(op), body: { auth_req_id: 'undefined' } };
    expect(await rejection(oidc.backchannelNotification(sent))).toMatchObject({ code: 'NOTIFICATION_REFUSED' });
  });

  it('ends a wait in real time', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op, { metadata: metadataFor('ping'), wait: realWait });
    const request = await oidc.backchannelAuthentication(ALICE);
    const tokens = request.tokens();
    op.decide(request.auth_req_id, 'approved');
    const body = { auth_req_id: request.auth_req_id };
    await oidc.backchannelNotification({ authorization: authorizationOf(op), body });
    expect((await tokens).idToken?.sub).toBe('alice');
  });
});

describe('a push', () => {
  async function pushed(change: (body: Members) => Members = (body) => body) {
    const parts = await setUp('push');
    const { op, oidc, request, auth_req_id, authorization } = parts;
    op.decide(auth_req_id, 'approved');
    await oidc.backchannelNotification({ authorization, body: change(await op.push(auth_req_id)) });
    return { op, outcome: request.tokens() };
  }

  it('brings the tokens, and nothing is asked for', async () => {
    const { op, oidc, request, waiting, auth_req_id, authorization } = await setUp('push');
    const waits = request.tokens();
    await waiting.beginning;
    op.decide(auth_req_id, 'approved');
    const body = await op.push(auth_req_id);
    await oidc.backchannelNotification({ authorization, body });
    const { tokens, idToken } = await waits;
    expect([tokens.access_token, tokens.refresh_token]).toEqual([body['access_token'], body['refresh_token']]);
    expect([idToken?.sub, tokens.expires_at, tokens.scope]).toEqual(['alice', 1_800_003_600, 'openid offline_access']);
    expect(op.count('token')).toBe(0);
  });

  const urn = 'urn:openid:params:jwt:claim';

  it.each<[string, object, string]>([
    ['of another request', { [`${urn}:auth_req_id`]: 'other' }, 'CLAIM_INVALID'],
    ['of no request', { [`${urn}:auth_req_id`]: undefined }, 'CLAIM_INVALID'],
    ['without at_hash', { at_hash: undefined }, 'CLAIM_MISSING'],
    ['for another access token', { at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' }, 'AT_HASH_MISMATCH'],
    ['without rt_hash', { [`${urn}:rt_hash`]: undefined }, 'CLAIM_MISSING'],
    ['for another refresh token', { [`${urn}:rt_hash`]: 'AAAAAAAAAAAAAAAAAAAAAA' }, 'RT_HASH_MISMATCH'],
    ['of another client', { aud: 'rp2' }, 'AUD_MISMATCH'],
    ['of another issuer', { iss: 'https://evil.test' }, 'ISS_MISMATCH'],
    ['that is expired', { exp: 1_700_000_000 }, 'EXPIRED'],
  ])('with an ID token %s is refused', async (_what, claims, code) => {
    const parts = await setUp('push');
    const { op, oidc, request, auth_req_id, authorization } = parts;
    op.decide(auth_req_id, 'approved');
    op.idToken({ claims: (all) => ({ ...all, ...claims }) });
    await oidc.backchannelNotification({ authorization, body: await op.push(auth_req_id) });
    expect(await rejection(request.tokens())).toMatchObject({ name: 'VerificationError', code });
  });

  it.each<[string, Members, string]>([
    ['no ID token', { id_token: undefined }, 'ID_TOKEN_MISSING'],
    ['no access token', { access_token: undefined }, 'TOKEN_RESPONSE_INVALID'],
    ['another type of token', { token_type: 'mac' }, 'TOKEN_RESPONSE_INVALID'],
    ['the access token of somebody else', { access_token: 'other' }, 'AT_HASH_MISMATCH'],
    ['the refresh token of somebody else', { refresh_token: 'other' }, 'RT_HASH_MISMATCH'],
    ['an error', { error: 'access_denied' }, 'OP_ERROR'],
  ])('with %s is refused', async (_what, members, code) => {
    const { outcome } = await pushed((body) => ({ ...body, ...members }));
    expect(await rejection(outcome)).toMatchObject({ code });
  });

  it('may have no refresh token', async () => {
    const { outcome } = await pushed(({ refresh_token: _, ...body }) => body);
    expect((await outcome).tokens.refresh_token).toBeUndefined();
  });

  it.each(['access_denied', 'expired_token', 'transaction_failed'])('of %s ends the wait', async (error) => {
    const { oidc, request, auth_req_id, authorization } = await setUp('push');
    await oidc.backchannelNotification({ authorization, body: { auth_req_id, error, error_description: 'x' } });
    expect(await rejection(request.tokens())).toMatchObject({ name: 'OAuthError', error, error_description: 'x' });
  });

  it('tells an operator nothing that asks for the tokens', async () => {
    const { oidc, request, auth_req_id, authorization } = await setUp('push');
    const body = { auth_req_id, error: 'transaction_failed', error_description: `no ${auth_req_id}` };
    await oidc.backchannelNotification({ authorization, body });
    expect(await rejection(request.tokens())).toMatchObject({ error_description: 'no [secret]' });
  });

  it('that does not come ends with the request', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op, { metadata: metadataFor('push') });
    const request = await oidc.backchannelAuthentication(ALICE);
    expect(await rejection(request.tokens())).toMatchObject({ error: 'expired_token' });
    expect([op.clock.seconds, op.count('token')]).toEqual([1_800_000_600, 0]);
  });
});

describe('replicas with a store', () => {
  async function deployment(mode: 'ping' | 'push', store: OidcStore | undefined = undefined) {
    const op = await startProvider();
    const shared = store ?? new MemoryStore({ now: op.clock.now });
    const [one, other] = [1, 2].map(() => clientOf(op, { metadata: metadataFor(mode), store: shared }).oidc);
    if (one === undefined || other === undefined) {
      throw new Error('There are two replicas');
    }
    const request = await one.backchannelAuthentication(ALICE);
    op.decide(request.auth_req_id, 'approved');
    return { op, other, request, authorization: authorizationOf(op) };
  }

  it('take a ping at any of them', async () => {
    const { other, request, authorization } = await deployment('ping');
    const body = { auth_req_id: request.auth_req_id };
    await other.backchannelNotification({ authorization, body });
    expect((await request.tokens()).idToken?.sub).toBe('alice');
    const wrong = { authorization, body: { auth_req_id: 'other' } };
    expect(await rejection(other.backchannelNotification(wrong))).toMatchObject({ code: 'NOTIFICATION_REFUSED' });
  });

  it('hand a push to the one that waits, sealed', async () => {
    const written: string[] = [];
    const store = new ObservedStore();
    const set = store.set.bind(store);
    store.set = (key, value, lifetime) => {
      written.push(key, value);
      set(key, value, lifetime);
    };
    const { op, other, request, authorization } = await deployment('push', store);
    const body = await op.push(request.auth_req_id);
    await other.backchannelNotification({ authorization, body });
    const { tokens, idToken } = await request.tokens();
    expect([tokens.access_token, idToken?.sub]).toEqual([body['access_token'], 'alice']);
    const secrets = [body['access_token'], body['id_token'], request.auth_req_id, authorization.slice(7)];
    expect(written).toHaveLength(4);
    secrets.forEach((secret) => expect(written.join(' ')).not.toContain(String(secret)));
  });

  it('take nothing without one', async () => {
    const op = await startProvider();
    const [one, other] = [1, 2].map(() => clientOf(op, { metadata: metadataFor('ping') }).oidc);
    const request = await one?.backchannelAuthentication(ALICE);
    const sent = { authorization: authorizationOf(op), body: { auth_req_id: request?.auth_req_id } };
    expect(await rejection(Promise.resolve(other?.backchannelNotification(sent)))).toMatchObject({
      code: 'NOTIFICATION_REFUSED',
    });
  });

  it('say so where it can not be reached', async () => {
    const op = await startProvider();
    const store = new ObservedStore();
    store.fails = () => true;
    const { oidc } = clientOf(op, { metadata: metadataFor('push'), store });
    expect(await rejection(oidc.backchannelAuthentication(ALICE))).toMatchObject({ code: 'STORE_UNAVAILABLE' });
    const sent = { authorization: `Bearer ${'A'.repeat(43)}`, body: { auth_req_id: 'a' } };
    expect(await rejection(oidc.backchannelNotification(sent))).toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});
