import { expect, it } from '@jest/globals';

import { OidcClient, type OidcModuleOptions, type OidcStore } from '../../lib/index.js';
import { createApp, onBothAdapters, type Adapter } from '../support/app/apps.js';
import { ObservedStore } from '../support/store/stores.js';

const PATH = '/auth/backchannel-notification';
const ALICE = { login_hint: 'alice' };

onBothAdapters((adapter) => {
  async function setUp(mode: 'ping' | 'push', setup: { bodyParser?: boolean; store?: OidcStore } = {}) {
    const { store, ...rest } = setup;
    const options: Partial<OidcModuleOptions> = { routes: true, ...(store && { store }) };
    const app = await createApp({
      adapter,
      controllers: [],
      publicUrl: 'https://app.test',
      client: {
        backchannel_token_delivery_mode: mode,
        backchannel_client_notification_endpoint: `https://app.test${PATH}`,
      },
      options,
      ...rest,
    });
    const request = await app.nest.get(OidcClient).backchannelAuthentication(ALICE);
    const { form } = app.op.last('backchannel-authentication');
    const authorization = `Bearer ${form['client_notification_token']}`;
    const notify = (body: unknown, headers: Readonly<Record<string, string>> = { authorization }) =>
      app.post(PATH, typeof body === 'string' ? body : JSON.stringify(body), {
        'content-type': 'application/json',
        ...headers,
      });
    return { app, op: app.op, request, authorization, notify };
  }

  it.each([true, false])('G10 takes a ping with 204, and the client asks then (bodyParser %s)', async (bodyParser) => {
    const { op, request, notify } = await setUp('ping', { bodyParser });
    const tokens = request.tokens();
    op.decide(request.auth_req_id, 'approved');
    const answer = await notify({ auth_req_id: request.auth_req_id });
    expect([answer.status, answer.body]).toEqual([204, '']);
    expect(answer.header('cache-control')).toBe('no-store');
    expect((await tokens).idToken?.sub).toBe('alice');
  });

  it('takes a push with 204', async () => {
    const { op, request, notify } = await setUp('push');
    op.decide(request.auth_req_id, 'approved');
    expect((await notify(await op.push(request.auth_req_id))).status).toBe(204);
    expect((await request.tokens()).idToken?.sub).toBe('alice');
    expect(op.count('token')).toBe(0);
  });

  it('G11 refuses one with another token, or with none, with 401, and fetches nothing', async () => {
    const { app, op, request, notify } = await setUp('ping');
    const body = { auth_req_id: request.auth_req_id };
    for (const headers of [{ authorization: `Bearer ${'A'.repeat(43)}` }, {}]) {
      const answer = await notify(body, headers);
      expect(answer.status).toBe(401);
      expect(answer.header('www-authenticate')).toBe('Bearer error="invalid_token"');
      expect(app.lastCode).toBe('NOTIFICATION_REFUSED');
    }
    expect(op.count('token')).toBe(0);
  });

  it('refuses what can not be read with 400', async () => {
    const { notify } = await setUp('ping');
    expect((await notify('{"auth_req_id":')).status).toBe(400);
  });

  it('says 503 while the store can not be reached', async () => {
    const store = new ObservedStore();
    const { notify } = await setUp('ping', { store });
    store.fails = () => true;
    const answer = await notify({ auth_req_id: 'a' }, { authorization: `Bearer ${'A'.repeat(43)}` });
    expect([answer.status, answer.header('retry-after')]).toEqual([503, '5']);
  });

  it('is not there where no endpoint is registered', async () => {
    const app = await createApp({ adapter, controllers: [], publicUrl: 'https://app.test', options: { routes: true } });
    expect((await app.post(PATH, '{}', { 'content-type': 'application/json' })).status).toBe(404);
  });
});

const bootAt = (adapter: Adapter, endpoint: string) =>
  createApp({
    adapter,
    controllers: [],
    publicUrl: 'https://app.test',
    client: { backchannel_token_delivery_mode: 'ping', backchannel_client_notification_endpoint: endpoint },
    options: { routes: true },
  });

it('the boot stops where the registered endpoint is another path', async () => {
  await expect(bootAt('express', 'https://app.test/notification')).rejects.toMatchObject({
    member: 'client.backchannel_client_notification_endpoint',
  });
});
