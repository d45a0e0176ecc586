import { expect, it } from '@jest/globals';
import fc from 'fast-check';

import { createApp } from '../support/app/apps.js';
import { T } from '../support/clock.js';
import { jwtAccessToken } from '../support/tokens/access-token.js';

type Claims = Readonly<Record<string, unknown>>;

/** What makes a token bad, whatever else is said of it. */
const BAD: readonly Claims[] = [
  { exp: T - 30 },
  { exp: 0 },
  { nbf: T + 31 },
  { iss: 'https://evil.test' },
  { aud: 'https://other.test' },
  { aud: ['https://other.test', 'https://api.tes'] },
];

/** What makes it bad where the server is asked. */
const REFUSED: readonly Claims[] = [
  { active: false },
  { token_type: 'refresh_token' },
  { token_type: 'urn:ietf:params:oauth:token-type:id_token' },
  { token_type: 'openid_token' },
  { token_type: 'authorization_code' },
  { token_type: 'urn:example:DPoP' },
  { token_use: 'id' },
  { typ: 'ID' },
  { typ: 'IDToken' },
  { typ: 'id+jwt' },
  { typ: 'RefreshToken' },
  { cnf: { jkt: 'x'.repeat(43) } },
];

/** Ways to say the same, more or less. */
const FORMS: Readonly<Record<string, (value: unknown) => unknown>> = {
  'as it is': (value) => value,
  'as text': (value) => (typeof value === 'object' ? JSON.stringify(value) : String(value)),
  'as a list': (value) => [value],
  'as a list of words': (value) => String(value).split(' '),
  null: () => null,
};

/** A form for each of the members. What makes the token bad is not taken away: that another answer says less is no form of it. */
function formsOf(members: Claims, bad: Claims): fc.Arbitrary<Claims> {
  const names = Object.keys(FORMS);
  const kept = names.filter((name) => name !== 'null');
  return fc
    .record(
      Object.fromEntries(Object.keys(members).map((name) => [name, fc.constantFrom(...(name in bad ? kept : names))])),
    )
    .map((forms) =>
      Object.fromEntries(Object.entries(members).map(([name, value]) => [name, FORMS[forms[name] ?? '']?.(value)])),
    );
}

const oneOf = (good: Claims, faults: readonly Claims[]): fc.Arbitrary<Claims> =>
  fc.constantFrom(...faults).chain((bad) => formsOf({ ...good, ...bad }, bad));

it('no form of an introspection makes a token good that is not', async () => {
  const app = await createApp({ adapter: 'express' });
  const good = {
    active: true,
    iss: app.op.issuer,
    aud: 'https://api.test',
    client_id: 'rp1',
    sub: 'alice',
    scope: 'openid orders:read',
    token_type: 'Bearer',
    exp: T + 3600,
    nbf: T - 60,
    iat: T - 60,
    username: 'alice',
    jti: 'x',
  };
  const statusOf = async (body: Claims) => {
    app.op.introspectionResponse({ body: () => body });
    return (await app.call('/any', 'token')).status;
  };
  expect(await statusOf(good)).toBe(200);
  await fc.assert(
    fc.asyncProperty(oneOf(good, [...BAD, ...REFUSED]), async (body) => {
      expect([401, 503]).toContain(await statusOf(body));
    }),
    { numRuns: 200 },
  );
});

it.each([...BAD, ...REFUSED])('no form of %p alone makes a token good', async (bad) => {
  const app = await createApp({ adapter: 'express' });
  const good = { active: true, iss: app.op.issuer, aud: 'https://api.test', token_type: 'Bearer', exp: T + 3600 };
  const statusOf = async (body: Claims) => {
    app.op.introspectionResponse({ body: () => body });
    return (await app.call('/any', 'token')).status;
  };
  expect(await statusOf(good)).toBe(200);
  for (const [name, form] of Object.entries(FORMS).filter(([kind]) => kind !== 'null')) {
    const formed = Object.fromEntries(Object.entries(bad).map(([member, value]) => [member, form(value)]));
    expect([name, await statusOf({ ...good, ...formed })]).not.toEqual([name, 200]);
  }
});

it('no form of a JWT access token makes one good that is not', async () => {
  const resourceServer = { audience: 'https://api.test', validation: 'jwt' } as const;
  const app = await createApp({ adapter: 'express', options: { resourceServer } });
  const good = {
    iss: app.op.issuer,
    aud: 'https://api.test',
    client_id: 'rp1',
    sub: 'alice',
    scope: 'openid orders:read',
    exp: T + 3600,
    nbf: T - 60,
    iat: T - 60,
    jti: 'x',
  };
  const statusOf = async (claims: Claims) => (await app.call('/any', jwtAccessToken(app.op, { claims }))).status;
  expect(await statusOf(good)).toBe(200);
  await fc.assert(
    fc.asyncProperty(oneOf(good, BAD), async (claims) => {
      expect(await statusOf(claims)).toBe(401);
    }),
    { numRuns: 300 },
  );
});

it.each<[string, Claims]>([
  ['exp, nbf and iat in digits', { exp: String(T + 3600), nbf: String(T), iat: String(T) }],
  ['an empty list of scopes', { scope: [] }],
  ['null for what it does not know', { nbf: null, auth_time: null, acr: null, scope: null, token_use: null }],
])('a JWT access token with %s is good', async (_what, claims) => {
  const resourceServer = { audience: 'https://api.test', validation: 'jwt' } as const;
  const app = await createApp({ adapter: 'express', options: { resourceServer } });
  expect((await app.call('/any', jwtAccessToken(app.op, { claims }))).status).toBe(200);
});

it.each(['iss', 'sub', 'aud', 'exp', 'iat', 'jti', 'client_id'])(
  'a JWT access token lacks %s that is null',
  async (name) => {
    const resourceServer = { audience: 'https://api.test', validation: 'jwt' } as const;
    const app = await createApp({ adapter: 'express', options: { resourceServer } });
    expect((await app.call('/any', jwtAccessToken(app.op, { claims: { [name]: null } }))).status).toBe(401);
  },
);

it('says to the application what the specification says, and leaves the rest as it came', async () => {
  const app = await createApp({ adapter: 'express' });
  const body = {
    active: true,
    aud: 'https://api.test',
    scope: ['a', 'b'],
    exp: `${T + 60}`,
    jti: null,
    ext: null,
    n: '1',
  };
  app.op.introspectionResponse({ body: () => body });
  const { user } = Object((await app.call('/any', 'token')).json());
  expect(user.scopes).toEqual(['a', 'b']);
  expect(user.claims).toEqual({
    active: true,
    aud: 'https://api.test',
    scope: 'a b',
    exp: 1_800_000_060,
    ext: null,
    n: '1',
  });
});
