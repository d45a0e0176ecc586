import { inspect } from 'node:util';

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import type { BackchannelAuthenticationOptions } from '../../lib/grants/backchannel-request.js';
import type { ClientMetadata } from '../../lib/metadata/client-metadata.js';
import { decodeJwt, keyOf, privateJwk } from '../../lib/testing/provider/keys.js';
import { rejection } from '../support/client/client.js';
import { answerPolls, pollingClient } from '../support/client/polling-client.js';
import type { JwtFault } from '../support/provider/hostile-provider.js';

const KEY = keyOf('P-256', 'rp1');
const JWKS = { keys: [{ ...privateJwk(KEY), alg: 'ES256' }] };
const ALICE = { login_hint: 'alice' };

async function setUp(metadata: Partial<ClientMetadata> = {}) {
  const polling = await pollingClient(metadata);
  const request = (options: BackchannelAuthenticationOptions = ALICE) =>
    polling.oidc.backchannelAuthentication(options);
  return { ...polling, request };
}

describe('a backchannel authentication request', () => {
  it('names the end-user, what is asked for and what both devices show', async () => {
    const { op, request } = await setUp({
      scope: 'orders:read',
      default_acr_values: ['gold', 'silver'],
      backchannel_user_code_parameter: true,
    });
    await request({
      login_hint_token: 'hint',
      binding_message: 'W4SCT',
      user_code: '1234',
      requested_expiry: 120,
      resource: 'https://a.test',
      authorization_details: [{ type: 'account' }],
      parameters: { tenant: 'a' },
    });
    expect(op.last('backchannel-authentication').method).toBe('POST');
    expect(op.last('backchannel-authentication').form).toEqual({
      login_hint_token: 'hint',
      scope: 'openid orders:read',
      acr_values: 'gold silver',
      binding_message: 'W4SCT',
      user_code: '1234',
      requested_expiry: '120',
      resource: 'https://a.test',
      authorization_details: '[{"type":"account"}]',
      tenant: 'a',
    });
  });

  it('G1 is a signed JWT where that is registered, and nothing stands beside it', async () => {
    const { op, request } = await setUp({
      jwks: JWKS,
      backchannel_authentication_request_signing_alg: 'ES256',
      backchannel_token_delivery_mode: 'ping',
      backchannel_client_notification_endpoint: 'https://app.test/auth/backchannel-notification',
    });
    await request({
      ...ALICE,
      requested_expiry: 120,
      resource: ['https://a.test', 'https://b.test'],
      authorization_details: [{ type: 'account' }],
    });
    const { form } = op.last('backchannel-authentication');
    expect(Object.keys(form)).toEqual(['request']);
    const { header, claims } = decodeJwt(String(form['request']));
    expect(header).toEqual({ alg: 'ES256', kid: KEY.kid });
    expect(claims).toEqual({
      iss: 'rp1',
      aud: op.issuer,
      iat: 1_800_000_000,
      nbf: 1_800_000_000,
      exp: 1_800_000_060,
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
      scope: 'openid',
      login_hint: 'alice',
      requested_expiry: '120',
      resource: ['https://a.test', 'https://b.test'],
      authorization_details: [{ type: 'account' }],
      client_notification_token: expect.stringMatching(/^[\w-]{43}$/),
    });
  });

  it('G1 stands beside an assertion of the client', async () => {
    const { op, request } = await setUp({
      client_secret: undefined,
      jwks: JWKS,
      backchannel_authentication_request_signing_alg: 'ES256',
    });
    await request();
    const { form } = op.last('backchannel-authentication');
    expect(Object.keys(form).toSorted()).toEqual(['client_assertion', 'client_assertion_type', 'client_id', 'request']);
    const [assertion, signed] = [form['client_assertion'], form['request']].map((jwt) => decodeJwt(String(jwt)));
    expect(signed?.claims['jti']).not.toBe(assertion?.claims['jti']);
    expect(signed?.claims['sub']).toBeUndefined();
  });

  it.each<[string, BackchannelAuthenticationOptions]>([
    ['none', {}],
    ['two', { login_hint: 'alice', id_token_hint: 'token' }],
    ['three', { login_hint: 'alice', login_hint_token: 'token', id_token_hint: 'token' }],
  ])('G2 with %s of the hints is not sent', async (_what, options) => {
    const { op, request } = await setUp();
    const member = 'login_hint, login_hint_token, id_token_hint';
    expect(await rejection(request(options))).toMatchObject({ code: 'INVALID_CONFIG', member });
    expect(op.count('backchannel-authentication')).toBe(0);
  });

  it('never has a sub of the caller, which would make it a client assertion', async () => {
    const { op, oidc } = await setUp({ jwks: JWKS, backchannel_authentication_request_signing_alg: 'ES256' });
    const asked = oidc.backchannelAuthentication({ login_hint: 'alice', parameters: { sub: 'rp1' } });
    expect(await rejection(asked)).toMatchObject({ code: 'INVALID_CONFIG', member: 'parameters.sub' });
    expect(op.count('bc-authorize')).toBe(0);
  });

  it.each(['login_hint', 'login_hint_token', 'id_token_hint'])('G2 may have %s, signed too', async (hint) => {
    const { op, request } = await setUp({ jwks: JWKS, backchannel_authentication_request_signing_alg: 'ES256' });
    await request({ [hint]: 'alice' });
    const { claims } = decodeJwt(String(op.last('backchannel-authentication').form['request']));
    expect(Object.keys(claims).filter((name) => name.includes('hint'))).toEqual([hint]);
    expect(claims[hint]).toBe('alice');
  });

  it.each(['ping', 'push'] as const)('G3 has a token of 256 bits for %s, another one each time', async (mode) => {
    const { op, request } = await setUp({
      backchannel_token_delivery_mode: mode,
      backchannel_client_notification_endpoint: 'https://app.test/auth/backchannel-notification',
    });
    await request();
    await request();
    const [one, other] = op.requests('backchannel-authentication').map(({ form }) => form['client_notification_token']);
    expect(one).toMatch(/^[\w-]{43}$/);
    expect(other).not.toBe(one);
  });

  it.each<[string, Partial<ClientMetadata>, BackchannelAuthenticationOptions, string]>([
    ['another scope than openid', {}, { ...ALICE, scope: 'orders:read' }, 'scope'],
    ['a user code that is not registered', {}, { ...ALICE, user_code: '1' }, 'client.backchannel_user_code_parameter'],
    ['no time', {}, { ...ALICE, requested_expiry: 0 }, 'requested_expiry'],
    ['half a second', {}, { ...ALICE, requested_expiry: 0.5 }, 'requested_expiry'],
    ['a grant that is not registered', { grant_types: ['authorization_code'] }, ALICE, 'client.grant_types'],
  ])('with %s is not sent', async (_what, metadata, options, member) => {
    const { op, request } = await setUp(metadata);
    expect(await rejection(request(options))).toMatchObject({ code: 'INVALID_CONFIG', member });
    expect(op.count('backchannel-authentication')).toBe(0);
  });

  it.each<[object, Partial<ClientMetadata>, string]>([
    [
      { backchannel_token_delivery_modes_supported: ['poll'] },
      {
        backchannel_token_delivery_mode: 'ping',
        backchannel_client_notification_endpoint: 'https://app.test/auth/backchannel-notification',
      },
      'client.backchannel_token_delivery_mode',
    ],
    [
      { backchannel_authentication_request_signing_alg_values_supported: ['PS256'] },
      { jwks: JWKS, backchannel_authentication_request_signing_alg: 'ES256' },
      'client.backchannel_authentication_request_signing_alg',
    ],
    [{ backchannel_authentication_endpoint: undefined }, {}, 'server.backchannel_authentication_endpoint'],
  ])('is not sent to a server that publishes %j', async (published, metadata, member) => {
    const { op, request } = await setUp(metadata);
    op.discovery((document) => ({ ...document, ...published }));
    expect(await rejection(request())).toMatchObject({ name: 'ConfigError', member });
    expect(op.count('backchannel-authentication')).toBe(0);
  });

  it.each(['unknown_user_id', 'expired_id_token_hint', 'invalid_id_token_hint', 'missing_user_code'])(
    'G9 is refused with %s, and nothing is polled',
    async (error) => {
      const { op, request } = await setUp();
      op.answer('backchannel-authentication', { status: 400, body: { error } });
      expect(await rejection(request())).toMatchObject({ name: 'OAuthError', code: 'OP_ERROR', error });
      expect([op.count('backchannel-authentication'), op.count('token')]).toEqual([1, 0]);
    },
  );
});

describe('a backchannel authentication response', () => {
  it.each<[string, object]>([
    ['without an id', { auth_req_id: undefined }],
    ['with an id that is a number', { auth_req_id: 7 }],
    ['with an id of two lines', { auth_req_id: 'a\nb' }],
    ['without an end', { expires_in: undefined }],
    ['with an end that is a word', { expires_in: 'soon' }],
    ['with an end in the past', { expires_in: 0 }],
    ['with an interval in the past', { interval: -5 }],
  ])('G8 %s is refused, and nothing is polled', async (_what, members) => {
    const { op, request } = await setUp();
    op.backchannelResponse((body) => ({ ...body, ...members }));
    expect(await rejection(request())).toMatchObject({ code: 'BACKCHANNEL_RESPONSE_INVALID' });
    expect(op.count('token')).toBe(0);
  });

  it('of any JSON gives an id, or is refused', async () => {
    const { op, request } = await setUp();
    const usual = { auth_req_id: 'a', expires_in: 60 };
    const changes = fc.dictionary(fc.constantFrom(...Object.keys(usual), 'interval'), fc.jsonValue());
    await fc.assert(
      fc.asyncProperty(changes, async (change) => {
        op.answer('backchannel-authentication', { body: { ...usual, ...change } }, { times: 1 });
        const outcome = await request().catch((error: unknown) => error);
        const isRefused = Object(outcome).name === 'ResponseError';
        expect(isRefused || typeof Object(outcome).auth_req_id).toBe(isRefused || 'string');
      }),
      { numRuns: 40 },
    );
  });
});

describe('the polls for a backchannel authentication', () => {
  it('G5 go on while nobody decided, and end with tokens; the spent id is not polled again', async () => {
    const { op, request, waits, after } = await setUp();
    const pending = await request({ ...ALICE, scope: 'openid offline_access' });
    expect(pending.expires_at).toBe(1_800_000_600);
    after(3, () => op.decide(pending.auth_req_id, 'approved'));
    const { tokens, idToken } = await pending.tokens();
    expect([idToken?.sub, tokens.token_type]).toEqual(['alice', 'Bearer']);
    expect(waits).toEqual([5, 5, 5]);
    expect(op.last('token').form).toEqual({
      grant_type: 'urn:openid:params:grant-type:ciba',
      auth_req_id: pending.auth_req_id,
    });
    expect(await pending.tokens()).toMatchObject({ tokens });
    expect(op.count('token')).toBe(3);
  });

  it.each<[string, object, number]>([
    ['no interval', { interval: undefined }, 5],
    ['an interval of 31', { interval: 31 }, 31],
  ])('G4 come at the interval of the server: %s', async (_what, members, seconds) => {
    const { op, request, waits, after } = await setUp();
    op.backchannelResponse((body) => ({ ...body, ...members }));
    const pending = await request();
    answerPolls(op, 'authorization_pending', 'authorization_pending');
    after(3, () => op.decide(pending.auth_req_id, 'approved'));
    await pending.tokens();
    expect(waits).toEqual([seconds, seconds, seconds]);
  });

  it('G6 come five seconds later after slow_down, and all that follow', async () => {
    const { op, request, waits, after } = await setUp();
    const pending = await request();
    answerPolls(op, 'slow_down', 'authorization_pending', 'slow_down');
    after(4, () => op.decide(pending.auth_req_id, 'approved'));
    await pending.tokens();
    expect(waits).toEqual([5, 10, 10, 15]);
  });

  it.each(['access_denied', 'expired_token', 'invalid_request', 'transaction_failed'])(
    'G7 end at once with %s',
    async (error) => {
      const { op, request } = await setUp();
      const pending = await request();
      answerPolls(op, 'authorization_pending', error);
      expect(await rejection(pending.tokens())).toMatchObject({ name: 'OAuthError', error });
      expect(op.count('token')).toBe(2);
    },
  );

  it('are bound to one key', async () => {
    const { op, request, after } = await setUp({ dpop_bound_access_tokens: true });
    const pending = await request();
    after(2, () => op.decide(pending.auth_req_id, 'approved'));
    const { tokens } = await pending.tokens();
    const bound = expect.objectContaining({ jkt: tokens.dpop_key?.jkt });
    expect(op.requests('token').map(({ notes }) => notes['proof'])).toEqual([bound, bound]);
  });

  const claims = (change: object): JwtFault => ({ claims: (all) => ({ ...all, ...change }) });

  it.each<[string, JwtFault, string]>([
    ['D1 another issuer', { claims: (all) => ({ ...all, iss: `${String(all['iss'])}1` }) }, 'ISS_MISMATCH'],
    ['D1 no issuer', claims({ iss: undefined }), 'ISS_MISMATCH'],
    ['D3 another audience', claims({ aud: 'rp11' }), 'AUD_MISMATCH'],
    ['D3 no audience', claims({ aud: undefined }), 'AUD_MISMATCH'],
    ['D4 another audience beside us', claims({ aud: ['rp1', 'rp2'] }), 'AUD_MISMATCH'],
    ['D6 an end six minutes ago', claims({ exp: 1_799_999_640 }), 'EXPIRED'],
    ['D6 no end', claims({ exp: undefined }), 'CLAIM_MISSING'],
    ['D8 an age of a week', claims({ iat: 1_799_395_200 }), 'TOO_OLD'],
    ['D17 a broken signature', { sign: (jwt) => `${jwt.slice(0, -4)}AAAA` }, 'SIGNATURE_INVALID'],
    ['D18 no signature', { header: (header) => ({ ...header, alg: 'none' }), sign: 'none' }, 'ALG_NOT_ALLOWED'],
    ['D19 another algorithm', { header: (header) => ({ ...header, alg: 'RS256' }) }, 'ALG_NOT_ALLOWED'],
    ['the nonce of a login', claims({ nonce: 'n' }), 'NONCE_MISMATCH'],
  ])('G12 give no tokens where the ID token has %s', async (_what, fault, code) => {
    const { op, request, after } = await setUp({ id_token_signed_response_alg: 'ES256' });
    op.idToken(fault);
    const pending = await request();
    after(1, () => op.decide(pending.auth_req_id, 'approved'));
    expect(await rejection(pending.tokens())).toMatchObject({ name: 'VerificationError', code });
    expect([op.count('userinfo'), op.count('token')]).toEqual([0, 1]);
  });

  it('G12 give tokens where D5 the audience is a list of us alone, or no scope is said', async () => {
    const { op, request, after } = await setUp();
    op.idToken(claims({ aud: ['rp1'] }));
    op.tokenResponse(({ scope: _, ...body }) => body);
    const pending = await request();
    after(1, () => op.decide(pending.auth_req_id, 'approved'));
    const { tokens, idToken } = await pending.tokens();
    expect([tokens.scope, idToken?.claims['aud']]).toEqual(['openid', ['rp1']]);
  });

  it('give no tokens without an ID token', async () => {
    const { op, request, after } = await setUp();
    op.tokenResponse(({ id_token: _, ...body }) => body);
    const pending = await request();
    after(1, () => op.decide(pending.auth_req_id, 'approved'));
    expect(await rejection(pending.tokens())).toMatchObject({ code: 'ID_TOKEN_MISSING' });
  });
});

it('the id of a request is shown to nobody who prints it', async () => {
  const { request } = await setUp();
  const pending = await request();
  const printed = inspect(pending, { depth: 9, showHidden: true }) + JSON.stringify(pending) + String(pending);
  expect(printed).toContain('1800000600');
  expect(printed).not.toContain(pending.auth_req_id);
});
