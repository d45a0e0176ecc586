import { describe, expect, it } from '@jest/globals';

import { ACCESS_TOKEN_PROFILES, type AccessTokenProfileName } from '../../../lib/index.js';
import { clientOf } from '../../support/client/client.js';
import type { HostileProvider } from '../../support/provider/hostile-provider.js';
import { startProvider } from '../../support/provider/provider.js';
import { jws } from '../../support/tokens/keys.js';
import { ACCESS_TOKENS, CREDENTIALS, ID_TOKENS, type Fixture } from './fixtures.js';

const NAMES = Object.keys(ACCESS_TOKEN_PROFILES) as AccessTokenProfileName[];

const signed = (op: HostileProvider, { typ, claims }: Fixture): string => {
  const key = op.key('RS256');
  const now = op.clock.seconds;
  const header = { ...(typ !== undefined && { typ }), alg: 'RS256', kid: key.kid };
  return jws(header, { iss: op.issuer, iat: now, exp: now + 3600, ...claims }, key, 'RS256');
};

/** The profiles that take a token. */
async function takers(fixture: Fixture): Promise<readonly string[]> {
  const op = await startProvider();
  const { oidc } = clientOf(op);
  const token = signed(op, fixture);
  const outcomes = await Promise.allSettled(
    NAMES.map((accessTokens) => oidc.verifyAccessToken(token, { audience: [fixture.audience], accessTokens })),
  );
  return NAMES.filter((_, index) => outcomes[index]?.status === 'fulfilled');
}

describe('an access token of', () => {
  it.each(ACCESS_TOKENS.map((fixture) => [fixture.what, fixture] as const))(
    '%s is taken under its profile, and where nothing tells it apart',
    async (_what, fixture) => {
      expect(await takers(fixture)).toEqual(NAMES.filter((name) => fixture.taken.includes(name)));
    },
  );

  it.each([...ACCESS_TOKENS, ...CREDENTIALS].map((fixture) => [fixture.what, fixture] as const))(
    '%s is read by its profile',
    async (_what, fixture) => {
      const op = await startProvider();
      const { oidc } = clientOf(op);
      const [accessTokens] = fixture.taken;
      const token = await oidc.verifyAccessToken(signed(op, fixture), { audience: [fixture.audience], accessTokens });
      const { client_id, sub, scopes, roles } = token;
      expect({ client: client_id, sub, scopes, roles }).toEqual({
        client: fixture.client,
        sub: fixture.sub,
        scopes: fixture.scopes,
        roles: fixture.roles,
      });
    },
  );

  it.each([...ACCESS_TOKENS, ...CREDENTIALS].map((fixture) => [fixture.what, fixture] as const))(
    '%s is for nobody else',
    async (_what, fixture) => {
      expect(await takers({ ...fixture, audience: 'https://other.example.com' })).toEqual([]);
    },
  );
});

describe('an ID token of', () => {
  it.each(ID_TOKENS.map((fixture) => [fixture.what, fixture] as const))(
    '%s is no access token, though the API is called as the client',
    async (_what, fixture) => {
      const taken = await takers(fixture);
      // Whose credential is an ID token can't tell: the issuer is another one there.
      expect(taken.filter((name) => name !== 'google' && name !== 'firebase')).toEqual([]);
    },
  );

  it.each(CREDENTIALS.map((fixture) => [fixture.what, fixture] as const))(
    '%s is a credential under its profile alone',
    async (_what, fixture) => {
      const taken = await takers(fixture);
      expect(taken.filter((name) => name !== 'google')).toEqual(fixture.taken.filter((name) => name !== 'google'));
      expect(taken).toContain(fixture.taken[0]);
    },
  );
});
