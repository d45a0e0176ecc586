import { describe, expect, it } from '@jest/globals';

import type { TokenExchangeOptions } from '../../lib/grants/token-exchange.js';
import { decodeJwt, jws, keyOf, privateJwk } from '../../lib/testing/provider/keys.js';
import { clientOf, loginWith, rejection } from '../support/client/client.js';
import { startProvider } from '../support/provider/provider.js';

const TYPE = 'urn:ietf:params:oauth:token-type:';

describe('a token exchange', () => {
  it('gives an access token for another API', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    const subject_token = op.issue();
    const tokens = await oidc.exchangeToken({
      subject_token,
      resource: ['https://billing.test', 'https://mail.test'],
      audience: ['billing', 'mail'],
      scope: 'orders:read',
      parameters: { tenant: 'a' },
    });
    expect([tokens.token_type, tokens.scope]).toEqual(['Bearer', 'orders:read']);
    expect(tokens.issued_token_type).toBe(`${TYPE}access_token`);
    const sent = new URLSearchParams(op.last('token').body);
    expect([sent.getAll('resource'), sent.getAll('audience')]).toEqual([
      ['https://billing.test', 'https://mail.test'],
      ['billing', 'mail'],
    ]);
    expect(op.last('token').form).toMatchObject({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token,
      subject_token_type: `${TYPE}access_token`,
      scope: 'orders:read',
      tenant: 'a',
    });
  });

  it('names who acts, and what is wanted', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    await oidc.exchangeToken({
      subject_token: op.issue(),
      subject_token_type: `${TYPE}jwt`,
      actor_token: op.issue({ sub: 'service' }),
      requested_token_type: `${TYPE}access_token`,
    });
    expect(op.last('token').form).toMatchObject({
      subject_token_type: `${TYPE}jwt`,
      actor_token_type: `${TYPE}access_token`,
      requested_token_type: `${TYPE}access_token`,
    });
  });

  it('TOK-07 may give another kind of token (N_A), which calls no API', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op, { metadata: { dpop_bound_access_tokens: true } });
    const options = { subject_token: op.issue(), requested_token_type: `${TYPE}id_token` };
    const tokens = await oidc.exchangeToken(options);
    expect([tokens.token_type, tokens.issued_token_type]).toEqual(['N_A', `${TYPE}id_token`]);
    expect(tokens.dpop_key).toBeUndefined();
    const headers = oidc.authorizationHeaders(tokens, { method: 'GET', url: 'https://api.test/' });
    expect(await rejection(headers)).toMatchObject({ code: 'INVALID_CONFIG', member: 'tokens' });
  });

  it.each<[string, object]>([
    ['an access token of no type', { token_type: 'N_A' }],
    ['a type of its own', { token_type: 'mac' }],
    ['no kind', { issued_token_type: undefined }],
    ['a kind that is a number', { issued_token_type: 1 }],
    ['a kind in a list', { issued_token_type: [`${TYPE}access_token`] }],
    ['no token', { access_token: undefined }],
  ])('that gives %s is refused', async (_what, members) => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    op.tokenResponse((body) => ({ ...body, ...members }));
    const exchanged = oidc.exchangeToken({ subject_token: op.issue() });
    expect(await rejection(exchanged)).toMatchObject({ code: 'TOKEN_RESPONSE_INVALID' });
  });

  it('TOK-09 of a client whose tokens are bound gives none that are not', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op, { metadata: { dpop_bound_access_tokens: true } });
    op.tokenResponse((body) => ({ ...body, token_type: 'Bearer' }));
    const exchanged = oidc.exchangeToken({ subject_token: op.issue() });
    expect(await rejection(exchanged)).toMatchObject({ code: 'TOKEN_RESPONSE_INVALID' });
  });

  it.each<[string, Partial<TokenExchangeOptions>, string]>([
    ['an empty subject', { subject_token: '' }, 'token'],
    ['a resource that is no URI', { resource: 'api' }, 'resource'],
    ['a resource with a fragment', { resource: ['https://a.test', 'https://b.test/#x'] }, 'resource'],
    ['details of an empty type', { authorization_details: [{ type: '' }] }, 'authorization_details.0.type'],
    ['audiences that are none', { trustedAudiences: ['*'] }, 'trustedAudiences'],
  ])('with %s is not asked for', async (_what, options, member) => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    const exchanged = oidc.exchangeToken({ subject_token: 'token', ...options });
    expect(await rejection(exchanged)).toMatchObject({ code: 'INVALID_CONFIG', member });
    expect(op.count()).toBe(0);
  });
});

describe('the JWT bearer grant', () => {
  const key = keyOf('P-256', 'rp1');
  const jwk = { ...privateJwk(key), alg: 'ES256' };

  it('signs an assertion about a subject with a key of the client', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op, { metadata: { jwks: { keys: [jwk] } } });
    const tokens = await oidc.jwtBearer({ sub: 'alice', scope: 'orders:read', claims: { tenant: 'a' } });
    expect([tokens.token_type, tokens.scope]).toEqual(['Bearer', 'orders:read']);
    const { grant_type, assertion, ...others } = op.last('token').form;
    expect([grant_type, others]).toEqual(['urn:ietf:params:oauth:grant-type:jwt-bearer', { scope: 'orders:read' }]);
    const { header, claims } = decodeJwt(String(assertion));
    expect(header).toEqual({ alg: 'ES256', kid: key.kid, typ: 'JWT' });
    expect(claims).toEqual({
      iss: 'rp1',
      sub: 'alice',
      aud: op.issuer,
      iat: 1_800_000_000,
      exp: 1_800_000_060,
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
      tenant: 'a',
    });
  });

  it('may name another issuer and audience', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op, { metadata: { jwks: { keys: [jwk] } } });
    const claims = { iss: 'robot@example.test', aud: 'https://example.test/token' };
    expect(await rejection(oidc.jwtBearer({ sub: 'alice', claims }))).toMatchObject({ error: 'invalid_grant' });
    expect(decodeJwt(String(op.last('token').form['assertion'])).claims).toMatchObject(claims);
  });

  it('sends the assertion of somebody else as it is', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op, { metadata: { jwks: { keys: [jwk] } } });
    const claims = { iss: 'rp1', sub: 'bob', aud: op.issuer, exp: 1_800_000_060 };
    const assertion = jws({ alg: 'ES256', kid: key.kid }, claims, key, 'ES256');
    await oidc.jwtBearer({ assertion });
    expect(op.last('token').form['assertion']).toBe(assertion);
  });

  it.each([
    ['no subject', { jwks: { keys: [jwk] } }, {}, 'sub'],
    ['no key', {}, { sub: 'alice' }, 'client.jwks'],
    ['an empty assertion', {}, { assertion: '' }, 'token'],
  ])('with %s is not used', async (_what, metadata, options, member) => {
    const op = await startProvider();
    const { oidc } = clientOf(op, { metadata });
    expect(await rejection(oidc.jwtBearer(options))).toMatchObject({ code: 'INVALID_CONFIG', member });
    expect(op.count('token')).toBe(0);
  });
});

describe('any grant', () => {
  it('is asked for by its type', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    op.answer('token', { body: { access_token: 'AT', token_type: 'Bearer' } });
    const tokens = await oidc.grant('urn:example:grant', { ticket: 't', scope: 'a b', resource: ['https://a.test'] });
    expect([tokens.access_token, tokens.scope]).toEqual(['AT', 'a b']);
    expect(op.last('token').form).toEqual({
      grant_type: 'urn:example:grant',
      ticket: 't',
      scope: 'a b',
      resource: 'https://a.test',
    });
  });

  it('can not be made another one by its parameters', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op, { metadata: { token_endpoint_auth_method: 'client_secret_post' } });
    op.answer('token', { body: { access_token: 'AT', token_type: 'Bearer' } });
    await oidc.grant('urn:example:grant', { grant_type: 'password', client_id: 'rp2', client_secret: 'x' });
    expect(op.last('token').form).toMatchObject({ grant_type: 'urn:example:grant', client_id: 'rp1' });
  });

  it('gives no ID token that is not verified', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    const { tokens } = await loginWith(oidc, op);
    const answer = { access_token: tokens.access_token, token_type: 'Bearer', id_token: tokens.id_token };
    op.answer('token', { body: answer });
    expect((await oidc.grant('urn:example:grant', {})).id_token).toBe(tokens.id_token);
    op.answer('token', { body: { ...answer, id_token: `${tokens.id_token}x` } });
    expect(await rejection(oidc.grant('urn:example:grant', {}))).toMatchObject({ name: 'VerificationError' });
  });

  it('that is not registered is not used', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op, { metadata: { grant_types: ['client_credentials'] } });
    expect(await rejection(oidc.grant('urn:example:grant', {}))).toMatchObject({ member: 'client.grant_types' });
    expect(op.count()).toBe(0);
  });
});

describe('a grant with resources and details', () => {
  const access = {
    resource: ['https://a.test', 'https://b.test'],
    authorization_details: [{ type: 'account', actions: ['read'] }],
  };

  it('sends them with client credentials', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    const tokens = await oidc.clientCredentials(access);
    const sent = new URLSearchParams(op.last('token').body);
    expect(sent.getAll('resource')).toEqual(access.resource);
    expect(sent.getAll('authorization_details')).toEqual(['[{"type":"account","actions":["read"]}]']);
    expect(tokens.authorization_details).toEqual(access.authorization_details);
    expect(await oidc.introspect(tokens.access_token)).toMatchObject({ aud: access.resource });
  });

  it('sends no details of a type that is not registered', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op, { metadata: { authorization_details_types: ['payment'] } });
    expect(await rejection(oidc.clientCredentials(access))).toMatchObject({ member: 'authorization_details' });
    expect(op.count()).toBe(0);
  });

  it('sends them with a refresh', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    const { tokens } = await loginWith(oidc, op, { request: { scope: 'openid offline_access' } });
    await oidc.refresh(tokens, { resource: 'https://a.test', authorization_details: [{ type: 'x' }] });
    expect(op.last('token').form).toMatchObject({
      resource: 'https://a.test',
      authorization_details: '[{"type":"x"}]',
    });
  });
});
