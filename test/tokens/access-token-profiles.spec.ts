import { describe, expect, it } from '@jest/globals';

import { ACCESS_TOKEN_PROFILES, type AccessTokenProfileName } from '../../lib/index.js';
import { clientOf } from '../support/client/client.js';
import { startProvider } from '../support/provider/provider.js';
import {
  PROVIDER_TOKENS,
  signedToken,
  unbound,
  type ProviderTokens,
  type TokenShape,
} from '../support/tokens/provider-tokens.js';

type Provider = keyof typeof PROVIDER_TOKENS;

const NAMES: readonly AccessTokenProfileName[] = [
  'rfc9068',
  'entra',
  'auth0',
  'okta',
  'cognito',
  'keycloak',
  'zitadel',
  'authentik',
  'adfs',
  'fusionauth',
  'pingone',
  'hydra',
  'spring',
  'google',
  'firebase',
  'supabase',
  'clerk',
  'workos',
  'generic',
];

/** The profiles that accept a token of a provider. By default the API's audience keeps none of them out. */
async function acceptedBy(
  provider: Provider,
  shape: TokenShape | undefined,
  audience = tokensOf(provider).audience,
): Promise<readonly string[]> {
  if (shape === undefined) {
    throw new Error('The provider has no such token');
  }
  const { accessTokenIssuer } = tokensOf(provider);
  const op = await startProvider();
  const server = accessTokenIssuer === undefined ? {} : { access_token_issuer: accessTokenIssuer };
  const { oidc } = clientOf(op, { settings: { server } });
  const token = signedToken(op, shape);
  const results = await Promise.allSettled(
    NAMES.map(async (accessTokens) => oidc.verifyAccessToken(token, { audience, accessTokens })),
  );
  return NAMES.filter((_, index) => results[index]?.status === 'fulfilled');
}

function tokensOf(provider: Provider): ProviderTokens {
  return PROVIDER_TOKENS[provider];
}

it('there is a profile for each provider of the table', () => {
  expect(Object.keys(ACCESS_TOKEN_PROFILES)).toEqual(NAMES);
});

it('no row can be changed by accident', () => {
  const { keycloak } = ACCESS_TOKEN_PROFILES;
  for (const part of [ACCESS_TOKEN_PROFILES, keycloak, keycloak.typ, keycloak.require, keycloak.require.typ]) {
    expect(Object.isFrozen(part)).toBe(true);
  }
});

/** The profile of the provider, then others of which the token has all marks. */
const ACCEPTED: readonly (readonly [Provider, string, readonly AccessTokenProfileName[]])[] = [
  ['rfc9068', 'user', ['rfc9068', 'pingone', 'generic']],
  ['rfc9068', 'machine', ['rfc9068', 'pingone', 'generic']],
  ['entra', 'user, version 2', ['entra', 'auth0', 'google', 'generic']],
  ['entra', 'machine, version 2', ['entra', 'auth0', 'google', 'generic']],
  ['entra', 'user, version 1', ['entra', 'generic']],
  ['auth0', 'user', ['auth0', 'google', 'generic']],
  ['auth0', 'machine', ['auth0', 'google', 'generic']],
  ['okta', 'user', ['okta', 'generic']],
  ['okta', 'machine', ['okta', 'generic']],
  ['cognito', 'user', ['cognito']],
  ['cognito', 'with a resource binding', ['cognito', 'pingone', 'generic']],
  ['keycloak', 'user', ['keycloak', 'google', 'clerk', 'workos', 'generic']],
  ['keycloak', 'user, with typ at+jwt', ['keycloak', 'generic']],
  ['keycloak', 'user, before version 25', ['keycloak', 'google']],
  ['zitadel', 'user', ['zitadel', 'pingone', 'hydra', 'spring', 'generic']],
  ['authentik', 'user', ['authentik', 'google']],
  ['authentik', 'machine', ['auth0', 'authentik', 'google', 'generic']],
  ['adfs', 'user', ['entra', 'adfs', 'generic']],
  ['fusionauth', 'user', ['fusionauth']],
  ['pingone', 'user, with typ at+jwt', ['rfc9068', 'pingone', 'generic']],
  ['pingone', 'machine, without typ', ['pingone', 'generic']],
  ['hydra', 'user', ['zitadel', 'pingone', 'hydra', 'spring', 'generic']],
  ['spring', 'user', ['spring']],
  ['spring', 'machine', ['spring']],
  ['google', 'ID token of a user', ['google']],
  ['firebase', 'ID token of a user', ['firebase']],
  ['supabase', 'user', ['supabase']],
  ['clerk', 'session token', ['clerk']],
  ['workos', 'with the aud of a template', ['workos']],
];

describe('an access token is accepted under its own profile, and under others only where they can not tell', () => {
  it.each(ACCEPTED)('%s: %s', async (provider, name, profiles) => {
    expect(await acceptedBy(provider, tokensOf(provider).accessTokens[name])).toEqual(profiles);
  });

  it.each(ACCEPTED)('%s: %s is for no other API', async (provider, name) => {
    expect(await acceptedBy(provider, tokensOf(provider).accessTokens[name], ['https://other.test'])).toEqual([]);
  });

  it('for every token', () => {
    const names = Object.entries<ProviderTokens>(PROVIDER_TOKENS).flatMap(([provider, { accessTokens }]) =>
      Object.keys(accessTokens).map((name) => [provider, name]),
    );
    expect(ACCEPTED.map(([provider, name]) => [provider, name])).toEqual(names);
  });
});

const OTHERS: readonly (readonly [Provider, string])[] = [
  ['rfc9068', 'ID token'],
  ['entra', 'ID token with roles'],
  ['auth0', 'ID token'],
  ['okta', 'ID token'],
  ['cognito', 'ID token'],
  ['keycloak', 'ID token'],
  ['keycloak', 'refresh token'],
  ['authentik', 'ID token'],
  ['adfs', 'ID token'],
  ['fusionauth', 'ID token'],
  ['pingone', 'ID token'],
  ['hydra', 'ID token'],
  ['spring', 'ID token'],
  ['workos', 'access token without aud'],
];

describe('an ID token passes under no profile, even where the API has the client as its audience', () => {
  it.each(OTHERS)('%s: %s', async (provider, name) => {
    expect(await acceptedBy(provider, tokensOf(provider).others[name])).toEqual([]);
  });

  it('zitadel: its ID token is one for the profile whose credentials are ID tokens', async () => {
    expect(await acceptedBy('zitadel', tokensOf('zitadel').others['ID token'])).toEqual(['google']);
  });

  it('for every token', () => {
    const names = Object.entries<ProviderTokens>(PROVIDER_TOKENS).flatMap(([provider, { others }]) =>
      Object.keys(others).map((name) => [provider, name]),
    );
    expect(names.filter(([provider]) => provider !== 'zitadel')).toEqual(OTHERS);
  });
});

describe('an ID token without nonce and hashes is refused by the profile of its provider', () => {
  it.each<readonly [Provider, string, readonly AccessTokenProfileName[]]>([
    ['rfc9068', 'ID token', []],
    ['entra', 'ID token with roles', []],
    // Nothing in it says what it is. The audience does: an ID token names the client.
    ['auth0', 'ID token', ['clerk', 'workos']],
    ['okta', 'ID token', []],
    ['cognito', 'ID token', []],
    ['keycloak', 'ID token', []],
    ['zitadel', 'ID token', ['google', 'generic']],
    ['authentik', 'ID token', []],
    ['adfs', 'ID token', []],
    ['fusionauth', 'ID token', []],
    ['pingone', 'ID token', []],
    ['hydra', 'ID token', []],
    ['spring', 'ID token', ['generic']],
  ])('%s: %s', async (provider, name, profiles) => {
    const shape = tokensOf(provider).others[name];
    expect(await acceptedBy(provider, shape && unbound(shape))).toEqual(profiles);
  });
});

describe('whatever the profile', () => {
  const { audience, accessTokens } = PROVIDER_TOKENS.auth0;
  const good = accessTokens.user;

  it.each<readonly [string, Readonly<Record<string, unknown>>, string]>([
    ['a token of another issuer', { iss: 'https://other.test' }, 'TOKEN_ISSUER'],
    ['one without issuer', { iss: undefined }, 'TOKEN_ISSUER'],
    ['one without end', { exp: undefined }, 'TOKEN_INVALID'],
    ['an expired one', { exp: 1_800_000_000 - 31 }, 'TOKEN_EXPIRED'],
    ['one that names no API', { aud: undefined }, 'TOKEN_AUDIENCE'],
    ['one for another API', { aud: 'https://other.test' }, 'TOKEN_AUDIENCE'],
    ['a logout token', { events: {} }, 'TOKEN_INVALID'],
    ['an introspection response', { token_introspection: {} }, 'TOKEN_INVALID'],
    ['a token whose payload calls it an ID token', { typ: 'ID' }, 'TOKEN_TYPE'],
    ['one whose use is a refresh', { token_use: 'refresh' }, 'TOKEN_TYPE'],
    ['one of another type', { token_type: 'refresh_token' }, 'TOKEN_TYPE'],
    ['one whose client is no text', { azp: 7 }, 'TOKEN_TYPE'],
    ['one whose client is empty', { azp: '' }, 'TOKEN_TYPE'],
    ['one whose client is two', { azp: ['a', 'b'] }, 'TOKEN_TYPE'],
    ['one without client', { azp: undefined }, 'TOKEN_TYPE'],
    ['one that is bound to a key', { cnf: { jkt: 'x'.repeat(43) } }, 'TOKEN_BINDING'],
    ['one that is bound to nobody knows what', { cnf: null }, 'TOKEN_BINDING'],
    ['one that is bound by its type', { token_type: 'DPoP' }, 'TOKEN_BINDING'],
  ])('%s is refused', async (_what, claims, code) => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    const shape = { typ: 'JWT', claims: { ...good.claims, ...claims } };
    await expect(
      oidc.verifyAccessToken(signedToken(op, shape), { audience, accessTokens: 'auth0' }),
    ).rejects.toMatchObject({ code });
  });

  it('an ADFS token that names the issuer of ID tokens is refused', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op, {
      settings: { server: { access_token_issuer: 'http://fs.test/adfs/services/trust' } },
    });
    const { adfs } = PROVIDER_TOKENS;
    const shape = { typ: 'JWT', claims: { ...adfs.accessTokens.user.claims, iss: op.issuer } };
    await expect(
      oidc.verifyAccessToken(signedToken(op, shape), { audience: adfs.audience, accessTokens: 'adfs' }),
    ).rejects.toMatchObject({ code: 'TOKEN_ISSUER' });
  });

  it('where aud is there, the claim that may stand for it counts for nothing', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    const { claims } = PROVIDER_TOKENS.cognito.accessTokens.user;
    const verified = (aud: unknown) =>
      oidc.verifyAccessToken(signedToken(op, { claims: { ...claims, aud } }), {
        audience: ['client1'],
        accessTokens: 'cognito',
      });
    await expect(verified('https://other.test')).rejects.toMatchObject({ code: 'TOKEN_AUDIENCE' });
    await expect(verified([])).rejects.toMatchObject({ code: 'TOKEN_AUDIENCE' });
    expect((await verified(undefined)).client_id).toBe('client1');
  });
});

describe('verifyAccessToken', () => {
  it.each<readonly [object, string]>([
    [{ accessTokens: 'entra' }, 'audience'],
    [{ accessTokens: { typ: ['JWT'] } }, 'audience'],
    [{ accessTokens: 'azure', audience: ['a'] }, 'accessTokens'],
    [{ accessTokens: { typ: [] }, audience: ['a'] }, 'accessTokens.typ'],
    [{ accessTokens: { typ: ['JWT'], clientID: 'azp' }, audience: ['a'] }, 'accessTokens.clientID'],
    [{ accessTokens: { typ: ['JWT'], clientId: 'constructor' }, audience: ['a'] }, 'accessTokens.clientId'],
    [{ accessTokens: { typ: ['JWT'], require: { toString: true } }, audience: ['a'] }, 'accessTokens.require.toString'],
  ])('with %j is an error of the configuration', async (options, member) => {
    const op = await startProvider();
    await expect(clientOf(op).oidc.verifyAccessToken('a.b.c', options)).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      member,
    });
  });

  it('takes a row that was changed', async () => {
    const op = await startProvider();
    const { audience, accessTokens } = PROVIDER_TOKENS.keycloak;
    const token = await clientOf(op).oidc.verifyAccessToken(signedToken(op, accessTokens.user), {
      audience,
      accessTokens: { ...ACCESS_TOKEN_PROFILES.keycloak, roles: 'resource_access.account.roles' },
    });
    expect(token.roles).toEqual(['admin']);
  });
});
