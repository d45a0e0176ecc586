import { inspect } from 'node:util';

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { rejection } from '../support/client/client.js';
import { answerPolls, pollingClient } from '../support/client/polling-client.js';

describe('a device authorization', () => {
  it('ends with tokens and a verified ID token', async () => {
    const { op, oidc, waits, after } = await pollingClient();
    const device = await oidc.deviceAuthorization({ scope: 'openid offline_access' });
    expect(op.last('device-authorization').form).toEqual({ scope: 'openid offline_access' });
    expect(device.user_code).toMatch(/^BDWP-\d{4}$/);
    expect(device.verification_uri).toBe(`${op.issuer}/device`);
    expect(device.verification_uri_complete).toContain(device.user_code);
    expect(device.expires_at).toBe(1_800_000_600);
    after(3, () => op.decide(device.device_code, 'approved'));
    const { tokens, idToken } = await device.tokens();
    expect([idToken?.sub, tokens.scope]).toEqual(['alice', 'openid offline_access']);
    expect(waits).toEqual([5, 5, 5]);
    expect(op.last('token').form).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
      device_code: device.device_code,
    });
    expect((await oidc.refresh(tokens)).token_type).toBe('Bearer');
  });

  it('is asked for once, however many wait, and its spent code never again', async () => {
    const { op, oidc, after } = await pollingClient();
    const device = await oidc.deviceAuthorization({ scope: 'openid' });
    after(1, () => op.decide(device.device_code, 'approved'));
    const [one, other] = await Promise.all([device.tokens(), device.tokens()]);
    expect(other).toBe(one);
    expect(await device.tokens()).toBe(one);
    expect(op.count('token')).toBe(1);
  });

  it('without openid has no ID token', async () => {
    const { op, oidc, after } = await pollingClient({ scope: 'orders:read' });
    const device = await oidc.deviceAuthorization();
    after(1, () => op.decide(device.device_code, 'approved'));
    const { tokens, idToken } = await device.tokens();
    expect([tokens.scope, idToken]).toEqual(['orders:read', undefined]);
  });

  it('with openid has one', async () => {
    const { op, oidc, after } = await pollingClient();
    const device = await oidc.deviceAuthorization({ scope: 'openid' });
    op.tokenResponse(({ id_token: _, ...body }) => body);
    after(1, () => op.decide(device.device_code, 'approved'));
    expect(await rejection(device.tokens())).toMatchObject({ code: 'ID_TOKEN_MISSING' });
  });

  it.each<[string, object, string]>([
    ['of another client', { aud: 'rp2' }, 'AUD_MISMATCH'],
    ['of another issuer', { iss: 'https://evil.test' }, 'ISS_MISMATCH'],
    ['that is expired', { exp: 1_700_000_000 }, 'EXPIRED'],
    ['with the nonce of a login', { nonce: 'n' }, 'NONCE_MISMATCH'],
    ['for another access token', { at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' }, 'AT_HASH_MISMATCH'],
  ])('takes no ID token %s', async (_what, change, code) => {
    const { op, oidc, after } = await pollingClient();
    const device = await oidc.deviceAuthorization({ scope: 'openid' });
    op.idToken({ claims: (claims) => ({ ...claims, ...change }) });
    after(1, () => op.decide(device.device_code, 'approved'));
    expect(await rejection(device.tokens())).toMatchObject({ name: 'VerificationError', code });
  });

  it('holds the end-user to default_max_age', async () => {
    const { op, oidc, after } = await pollingClient({ default_max_age: 60 });
    const device = await oidc.deviceAuthorization({ scope: 'openid' });
    after(30, () => op.decide(device.device_code, 'approved'));
    expect(await rejection(device.tokens())).toMatchObject({ code: 'AUTH_TIME_TOO_OLD' });
  });

  it('is polled more slowly after slow_down, and stays so', async () => {
    const { op, oidc, waits, after } = await pollingClient();
    const device = await oidc.deviceAuthorization({ scope: 'openid' });
    answerPolls(op, 'authorization_pending', 'slow_down', 'authorization_pending', 'slow_down');
    after(5, () => op.decide(device.device_code, 'approved'));
    await device.tokens();
    expect(waits).toEqual([5, 5, 10, 10, 15]);
  });

  it.each<[string, object, number]>([
    ['no interval', { interval: undefined }, 5],
    ['null', { interval: null }, 5],
    ['another interval', { interval: 31 }, 31],
    ['digits', { interval: '7' }, 7],
  ])('is polled at the interval that the server names: %s', async (_what, members, seconds) => {
    const { op, oidc, waits, after } = await pollingClient();
    op.deviceResponse((body) => ({ ...body, ...members }));
    const device = await oidc.deviceAuthorization({ scope: 'openid' });
    answerPolls(op, 'authorization_pending');
    after(2, () => op.decide(device.device_code, 'approved'));
    await device.tokens();
    expect(waits).toEqual([seconds, seconds]);
  });

  it.each(['access_denied', 'expired_token', 'invalid_grant', 'invalid_request'])('ends with %s', async (error) => {
    const { op, oidc } = await pollingClient();
    const device = await oidc.deviceAuthorization({ scope: 'openid' });
    answerPolls(op, 'authorization_pending', error);
    expect(await rejection(device.tokens())).toMatchObject({ name: 'OAuthError', error });
    expect(await rejection(device.tokens())).toMatchObject({ name: 'OAuthError', error });
    expect(op.count('token')).toBe(2);
  });

  it('ends when the end-user refuses', async () => {
    const { op, oidc, after } = await pollingClient();
    const device = await oidc.deviceAuthorization({ scope: 'openid' });
    after(2, () => op.decide(device.device_code, 'denied'));
    expect(await rejection(device.tokens())).toMatchObject({ error: 'access_denied' });
  });

  it('ends when its time is over, without a poll then', async () => {
    const { op, oidc, waits } = await pollingClient();
    op.deviceResponse((body) => ({ ...body, expires_in: 16 }));
    const device = await oidc.deviceAuthorization({ scope: 'openid' });
    expect(await rejection(device.tokens())).toMatchObject({ code: 'OP_ERROR', error: 'expired_token' });
    expect([waits, op.count('token')]).toEqual([[5, 5, 5, 1], 3]);
  });

  it('asks half as often each time that the server does not answer', async () => {
    const { op, oidc, waits, after } = await pollingClient();
    const device = await oidc.deviceAuthorization({ scope: 'openid' });
    op.answer('token', 'reset', { times: 1 });
    op.answer('token', { status: 503, body: '' }, { times: 1 });
    op.answer('token', { status: 429, headers: { 'retry-after': '77' }, body: '' }, { times: 1 });
    answerPolls(op, 'authorization_pending');
    after(5, () => op.decide(device.device_code, 'approved'));
    await device.tokens();
    expect(waits).toEqual([5, 10, 20, 77, 40]);
  });

  it('does not go on where the server answers nonsense', async () => {
    const { op, oidc } = await pollingClient();
    const device = await oidc.deviceAuthorization({ scope: 'openid' });
    op.answer('token', { status: 400, body: 'sorry' });
    expect(await rejection(device.tokens())).toMatchObject({ code: 'UNEXPECTED_STATUS' });
    expect(op.count('token')).toBe(1);
  });

  it('ends with the reason of a signal, and can be waited for again', async () => {
    const { op, oidc, after } = await pollingClient();
    const device = await oidc.deviceAuthorization({ scope: 'openid' });
    const controller = new AbortController();
    const reason = new Error('enough');
    after(2, () => controller.abort(reason));
    expect(await rejection(device.tokens({ signal: controller.signal }))).toBe(reason);
    expect(op.count('token')).toBe(1);
    expect(await rejection(device.tokens({ signal: AbortSignal.abort(reason) }))).toBe(reason);
    after(3, () => op.decide(device.device_code, 'approved'));
    expect((await device.tokens()).idToken?.sub).toBe('alice');
  });

  it('asks for resources and details', async () => {
    const { op, oidc } = await pollingClient();
    await oidc.deviceAuthorization({
      resource: ['https://a.test', 'https://b.test/x'],
      authorization_details: [{ type: 'account' }],
      parameters: { audience: 'orders' },
    });
    const { body } = op.last('device-authorization');
    expect(new URLSearchParams(body).getAll('resource')).toEqual(['https://a.test', 'https://b.test/x']);
    expect(op.last('device-authorization').form).toMatchObject({
      authorization_details: '[{"type":"account"}]',
      audience: 'orders',
    });
  });

  it('binds the tokens to one key for all polls', async () => {
    const { op, oidc, after } = await pollingClient({ dpop_bound_access_tokens: true });
    const device = await oidc.deviceAuthorization({ scope: 'openid' });
    after(3, () => op.decide(device.device_code, 'approved'));
    const { tokens } = await device.tokens();
    const proofs = op.requests('token').map(({ notes }) => notes['proof']);
    const bound = expect.objectContaining({ jkt: tokens.dpop_key?.jkt });
    expect(proofs).toEqual([bound, bound, bound]);
  });

  it('is asked for as a public client, which names itself', async () => {
    const { op, oidc, after } = await pollingClient({ client_secret: undefined, token_endpoint_auth_method: 'none' });
    const device = await oidc.deviceAuthorization({ scope: 'openid' });
    expect(op.last('device-authorization').form).toEqual({ scope: 'openid', client_id: 'rp1' });
    after(1, () => op.decide(device.device_code, 'approved'));
    expect((await device.tokens()).idToken?.sub).toBe('alice');
  });

  it('is not asked for where the grant is not registered, or the server has no endpoint for it', async () => {
    const { op, oidc } = await pollingClient({ grant_types: ['authorization_code'] });
    expect(await rejection(oidc.deviceAuthorization())).toMatchObject({ member: 'client.grant_types' });
    expect(op.count()).toBe(0);
    const other = await pollingClient();
    other.op.discovery(({ device_authorization_endpoint: _, ...document }) => document);
    expect(await rejection(other.oidc.deviceAuthorization())).toMatchObject({
      code: 'ENDPOINT_MISSING',
      member: 'server.device_authorization_endpoint',
    });
  });

  it('shows its code to nobody who prints it', async () => {
    const { oidc } = await pollingClient();
    const device = await oidc.deviceAuthorization({ scope: 'openid' });
    const printed = inspect(device, { depth: 9, showHidden: true }) + JSON.stringify(device) + String(device);
    expect(device.device_code).toMatch(/^.{43}$/);
    expect(printed).not.toContain(device.device_code);
    expect(printed).toContain(device.user_code);
  });
});

describe('a device authorization response', () => {
  it.each<[string, object]>([
    ['without a device code', { device_code: undefined }],
    ['with a device code that is a number', { device_code: 7 }],
    ['without a user code', { user_code: undefined }],
    ['with a user code of two lines', { user_code: 'A\nB' }],
    ['without a page', { verification_uri: undefined }],
    ['with a page that is a script', { verification_uri: 'javascript:alert(1)' }],
    ['with another page that is a script', { verification_uri_complete: 'javascript:alert(1)' }],
    ['with a page that is no address', { verification_uri: 'op.test' }],
    ['without an end', { expires_in: undefined }],
    ['with an end in the past', { expires_in: -1 }],
    ['with an end in a thousand years', { expires_in: 1e11 }],
    ['with an interval of nothing', { interval: 0 }],
    ['with an interval that is a word', { interval: 'soon' }],
  ])('%s is refused, and nothing is polled', async (_what, members) => {
    const { op, oidc } = await pollingClient();
    op.deviceResponse((body) => ({ ...body, ...members }));
    expect(await rejection(oidc.deviceAuthorization())).toMatchObject({ code: 'DEVICE_RESPONSE_INVALID' });
    expect(op.count('token')).toBe(0);
  });

  it('may name the page as Google does', async () => {
    const { op, oidc } = await pollingClient();
    op.deviceResponse(({ verification_uri, verification_uri_complete: _, ...body }) => ({
      ...body,
      verification_url: verification_uri,
    }));
    const device = await oidc.deviceAuthorization();
    expect([device.verification_uri, device.verification_uri_complete]).toEqual([`${op.issuer}/device`, undefined]);
  });

  it('that is an error is that error', async () => {
    const { op, oidc } = await pollingClient();
    op.answer('device-authorization', { status: 400, body: { error: 'invalid_scope' } });
    expect(await rejection(oidc.deviceAuthorization())).toMatchObject({ code: 'OP_ERROR', error: 'invalid_scope' });
    op.answer('device-authorization', { status: 401, body: { error: 'invalid_client' } });
    expect(await rejection(oidc.deviceAuthorization())).toMatchObject({ code: 'CLIENT_MISCONFIGURED' });
  });

  it('of any JSON gives codes and a page, or is refused', async () => {
    const { op, oidc } = await pollingClient();
    const usual = { device_code: 'd', user_code: 'u', verification_uri: 'https://op.test/', expires_in: 60 };
    const changes = fc.dictionary(fc.constantFrom(...Object.keys(usual), 'interval'), fc.jsonValue());
    await fc.assert(
      fc.asyncProperty(changes, async (change) => {
        op.answer('device-authorization', { body: { ...usual, ...change } }, { times: 1 });
        const outcome = await oidc.deviceAuthorization().catch((error: unknown) => error);
        const isRefused = Object(outcome).name === 'ResponseError';
        expect(isRefused || typeof Object(outcome).user_code).toBe(isRefused || 'string');
      }),
      { numRuns: 40 },
    );
  });
});
