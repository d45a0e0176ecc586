import { describe, expect, it } from '@jest/globals';

import type { ClientMetadata } from '../../lib/metadata/client-metadata.js';
import { decodeJwt, jws, keyOf } from '../../lib/testing/provider/keys.js';
import type { JsonObject } from '../../lib/values/json.js';
import { clientOf, loginWith, rejection, REDIRECT_URI } from '../support/client/client.js';
import { clientJwks, type Members } from '../support/client/fapi-client.js';
import { authenticationOf } from '../support/provider/hostile-provider.js';
import { startProvider } from '../support/provider/provider.js';
import { jwtAccessToken } from '../support/tokens/access-token.js';

/** What the provider has of a client that keeps fapi2-security; the application writes less. */
const REGISTERED: Members = {
  token_endpoint_auth_method: 'private_key_jwt',
  require_pushed_authorization_requests: true,
  dpop_bound_access_tokens: true,
  id_token_signed_response_alg: 'ES256',
};

const setUp = async (
  metadata: Partial<ClientMetadata> = {},
  { registered, ...settings }: { readonly tolerance?: number; readonly registered?: Members } = {},
) => {
  const op = await startProvider();
  const own = { client_secret: undefined, jwks: clientJwks('P-256'), ...metadata };
  return {
    op,
    ...clientOf(op, {
      metadata: own,
      registered: { ...REGISTERED, ...registered },
      settings: { profile: 'fapi2-security', ...settings },
    }),
  };
};

describe('a login that keeps fapi2-security', () => {
  it('E5 B12 B13 F11 F18 is pushed, proven and bound, though none of it is written', async () => {
    const { op, oidc } = await setUp();
    const { tokens } = await loginWith(oidc, op);
    expect(tokens.token_type).toBe('DPoP');
    const [par, token] = [op.last('par'), op.last('token')];
    expect([...new URLSearchParams(par.body).keys()].toSorted()).toEqual([
      'client_assertion',
      'client_assertion_type',
      'client_id',
      'code_challenge',
      'code_challenge_method',
      'dpop_jkt',
      'nonce',
      'redirect_uri',
      'response_type',
      'scope',
      'state',
    ]);
    expect(par.form).toMatchObject({
      response_type: 'code',
      code_challenge_method: 'S256',
      redirect_uri: REDIRECT_URI,
      dpop_jkt: tokens.dpop_key?.jkt,
    });
    for (const request of [par, token]) {
      expect(authenticationOf(request)).toMatchObject({
        method: 'private_key_jwt',
        header: { alg: 'ES256' },
        claims: { iss: 'rp1', sub: 'rp1', aud: op.issuer },
      });
      expect(authenticationOf(request)?.problem).toBeUndefined();
      expect(request.notes['proof']).toMatchObject({ jkt: tokens.dpop_key?.jkt, header: { alg: 'ES256' } });
      expect(request.notes['proof']).not.toHaveProperty('claims.ath');
    }
    const { url } = await oidc.authorizationUrl();
    expect([...new URL(url).searchParams.keys()]).toEqual(['client_id', 'request_uri']);
  });

  it.each([
    ['RSA', 'PS256'],
    ['P-256', 'ES256'],
    ['Ed25519', 'EdDSA'],
  ] as const)('E4 signs assertions with what a key of kind %s has of the profile: %s', async (kind, alg) => {
    const { op, oidc } = await setUp({ jwks: clientJwks(kind) });
    await loginWith(oidc, op);
    expect(authenticationOf(op.last('token'))).toMatchObject({ header: { alg } });
  });

  it.each([
    [['RS256', 'ES512', 'EdDSA'], 'EdDSA'],
    [['ES384', 'ES256'], 'ES256'],
  ])('F10 proves with an algorithm of the profile that the server takes among %j', async (published, alg) => {
    const { op, oidc } = await setUp();
    op.discovery((document) => ({ ...document, dpop_signing_alg_values_supported: published }));
    await loginWith(oidc, op);
    expect(op.last('token').notes['proof']).toMatchObject({ header: { alg } });
  });

  it.each(['PS256', 'ES256', 'EdDSA'])('D21 takes an ID token that is signed with %s', async (alg) => {
    const { op, oidc } = await setUp({}, { registered: { id_token_signed_response_alg: alg } });
    expect((await loginWith(oidc, op)).idToken.sub).toBe('alice');
  });

  it.each(['RS256', 'ES384', 'PS512'])('D19 takes none that is well signed with %s', async (alg) => {
    const { op, oidc } = await setUp({}, { registered: { id_token_signed_response_alg: alg } });
    expect(await rejection(loginWith(oidc, op))).toMatchObject({ code: 'ALG_NOT_ALLOWED' });
    expect(op.count('userinfo')).toBe(0);
  });

  it.each(['PS256', 'ES256', 'EdDSA'])('D17 takes none whose signature with %s is another key’s', async (alg) => {
    const { op, oidc } = await setUp({}, { registered: { id_token_signed_response_alg: alg } });
    op.idToken({ sign: 'stranger' });
    expect(await rejection(loginWith(oidc, op))).toMatchObject({ code: 'SIGNATURE_INVALID' });
  });

  it('D18 takes none that is not signed', async () => {
    const { op, oidc } = await setUp();
    op.idToken({ header: () => ({ alg: 'none' }) });
    expect(await rejection(loginWith(oidc, op))).toMatchObject({ code: 'ALG_NOT_ALLOWED' });
  });

  it.each<[string, (claims: Members, now: number) => Members, string]>([
    ['D6 that ended six minutes ago', (claims, now) => ({ ...claims, exp: now - 360 }), 'EXPIRED'],
    ['D6 that never ends', ({ exp: _, ...claims }) => claims, 'CLAIM_MISSING'],
    ['D8 of a week ago', (claims, now) => ({ ...claims, iat: now - 604_800 }), 'TOO_OLD'],
    ['D10 without nonce', ({ nonce: _, ...claims }) => claims, 'NONCE_MISSING'],
    ['from 61 seconds ahead', (claims, now) => ({ ...claims, iat: now + 61 }), 'NOT_YET_VALID'],
    ['that is good in 61 seconds', (claims, now) => ({ ...claims, nbf: now + 61 }), 'NOT_YET_VALID'],
  ])('takes no ID token %s', async (_, change, code) => {
    const { op, oidc } = await setUp({}, { tolerance: 60 });
    op.idToken({
      claims: (claims) => change(claims, op.clock.seconds),
    });
    expect(await rejection(loginWith(oidc, op))).toMatchObject({ code });
  });

  it.each(['iat', 'nbf'])('takes an ID token whose %s is 10 seconds ahead', async (claim) => {
    const { op, oidc } = await setUp({}, { tolerance: 10 });
    op.idToken({
      claims: (claims) => ({ ...claims, [claim]: op.clock.seconds + 10 }),
    });
    expect((await loginWith(oidc, op)).idToken.sub).toBe('alice');
  });

  it.each<[string, string | undefined, string]>([
    ['C7 without iss', undefined, 'ISS_MISSING'],
    ['C6 of another issuer', 'https://op.test1', 'ISS_MISMATCH'],
  ])('refuses a response %s, and sends nothing more', async (_, iss, code) => {
    const { op, oidc } = await setUp();
    const { transaction } = await oidc.authorizationUrl();
    const parameters = new Map([['code', 'a-code'] as const, ['state', transaction.state] as const]);
    const response = new Map<string, string>(iss === undefined ? parameters : [...parameters, ['iss', iss]]);
    expect(await rejection(oidc.callback(response, transaction))).toMatchObject({ code });
    expect(op.count('token')).toBe(0);
  });

  it('F9 refuses a bearer token in place of a bound one', async () => {
    const { op, oidc } = await setUp();
    op.tokenResponse((members) => ({ ...members, token_type: 'Bearer' }));
    expect(await rejection(loginWith(oidc, op))).toMatchObject({ code: 'TOKEN_RESPONSE_INVALID' });
  });

  it('F8 sends an access token in the header only', async () => {
    const { op, oidc } = await setUp({ tls_client_certificate_bound_access_tokens: true });
    op.discovery((document) => ({ ...document, tls_client_certificate_bound_access_tokens: true }));
    expect(await rejection(oidc.userinfo('a-token', 'alice', { tokenIn: 'body' }))).toMatchObject({
      message:
        'tokenIn: must be header (fapi2-security, access token in the header: ' +
        'FAPI 2.0 Security Profile, section 5.3.3.1, item 3)',
    });
    expect(op.count('userinfo')).toBe(0);
  });
});

describe('a machine that keeps fapi2-security', () => {
  it('E11 gets a token that is bound to its key', async () => {
    const { op, oidc } = await setUp({ redirect_uris: undefined, grant_types: ['client_credentials'] });
    const { token_type, dpop_key } = await oidc.clientCredentials({ scope: 'orders:read' });
    expect([token_type, op.count('par'), op.count('authorize')]).toEqual(['DPoP', 0, 0]);
    expect(op.last('token').notes['proof']).toMatchObject({ jkt: dpop_key?.jkt });
  });

  it('sends no password, whatever is registered', async () => {
    const { op, oidc } = await setUp();
    expect(await rejection(oidc.grant('password', { username: 'alice', password: 'secret' }))).toMatchObject({
      code: 'INVALID_CONFIG',
      member: 'profile',
    });
    expect(op.count('token')).toBe(0);
  });

  it('signs its own assertions with an algorithm of the profile', async () => {
    const { op, oidc } = await setUp({ jwks: clientJwks('RSA') });
    await oidc.jwtBearer({ sub: 'alice' });
    expect(decodeJwt(op.last('token').form['assertion'] ?? '').header['alg']).toBe('PS256');
  });

  it('signs a request that the server demands to be signed with an algorithm of the profile', async () => {
    const { op, oidc } = await setUp(
      { jwks: clientJwks('RSA') },
      { registered: { request_object_signing_alg: 'PS256' } },
    );
    op.discovery((document) => ({ ...document, require_signed_request_object: true }));
    await loginWith(oidc, op);
    expect(decodeJwt(op.last('par').form['request'] ?? '').header['alg']).toBe('PS256');
  });

  it('verifies access tokens with algorithms of the profile only', async () => {
    const { op, oidc } = await setUp();
    const verify = (alg: string) =>
      oidc.verifyAccessToken(jwtAccessToken(op, { alg }), {
        audience: ['https://api.test'],
        algorithms: ['RS256', 'PS256'],
      });
    expect((await verify('PS256')).sub).toBe('alice');
    expect(await rejection(verify('RS256'))).toMatchObject({ cause: { code: 'ALG_NOT_ALLOWED' } });
  });
});

describe('introspection by fapi2-message-signing', () => {
  const introspecting = async (metadata: Partial<ClientMetadata>) => {
    const op = await startProvider();
    const own = { client_secret: undefined, redirect_uris: undefined, jwks: clientJwks('P-256'), ...metadata };
    const settings = { profile: 'fapi2-message-signing' } as const;
    return { op, ...clientOf(op, { metadata: own, registered: REGISTERED, settings }) };
  };

  it('is signed', async () => {
    const { op, oidc } = await introspecting({ introspection_signed_response_alg: 'ES256' });
    expect(await oidc.introspect(op.issue())).toMatchObject({ active: true });
    expect(op.last('introspect').headers['accept']).toBe('application/token-introspection+jwt');
  });

  it('does not happen where no signature is registered', async () => {
    const { op, oidc } = await introspecting({});
    expect(await rejection(oidc.introspect(op.issue()))).toMatchObject({
      message:
        'client.introspection_signed_response_alg: must be registered ' +
        '(fapi2-message-signing, signed introspection: FAPI 2.0 Message Signing, section 5.5.2, item 1)',
    });
    expect(op.count('introspect')).toBe(0);
  });
});

describe('a server that does not keep fapi2-security', () => {
  const WITHOUT_PAR =
    'server.pushed_authorization_request_endpoint: is not published by the server ' +
    '(fapi2-security, pushed authorization requests: FAPI 2.0 Security Profile, section 5.3.2.2, item 2)';

  it('is found by the readiness check, and by the first login', async () => {
    const { op, oidc } = await setUp();
    op.discovery(({ pushed_authorization_request_endpoint: _, ...document }) => document);
    expect(await rejection(oidc.authorizationUrl())).toMatchObject({ code: 'ENDPOINT_MISSING', message: WITHOUT_PAR });
    expect(await rejection(oidc.ready())).toMatchObject({ code: 'ENDPOINT_MISSING', message: WITHOUT_PAR });
  });

  it('is ready where it keeps it', async () => {
    const { oidc } = await setUp();
    await oidc.ready();
  });
});

describe('without a profile', () => {
  it('nothing of it is done', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op, { metadata: { client_secret: undefined, jwks: clientJwks('P-256') } });
    const { tokens } = await loginWith(oidc, op);
    expect([tokens.token_type, op.count('par')]).toEqual(['Bearer', 0]);
    expect(decodeJwt(tokens.id_token ?? '').header['alg']).toBe('RS256');
  });
});

describe('claims of another party, with fapi2-security', () => {
  const bank = { issuer: 'https://bank.test', key: keyOf('RSA', 'bank') };

  it.each([
    ['PS256', { claims: { credit_score: 650 }, verifiedBy: bank.issuer, error: undefined }],
    ['RS256', { claims: {}, verifiedBy: undefined, error: { code: 'ALG_NOT_ALLOWED' } }],
  ])('are held to the algorithms of the profile: %s', async (alg, expected) => {
    const { oidc } = await setUp();
    const JWT = jws({ alg }, { iss: bank.issuer, credit_score: 650 }, bank.key);
    const claims: JsonObject = { _claim_names: { credit_score: 'src1' }, _claim_sources: { src1: { JWT } } };
    const trusted = [{ issuer: bank.issuer, jwks: { keys: [bank.key.jwk as JsonObject] } }];
    expect(await oidc.aggregatedClaims(claims, { trusted })).toMatchObject([expected]);
  });
});
