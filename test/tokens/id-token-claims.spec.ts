import { describe, expect, it } from '@jest/globals';

import type { NonceOption } from '../../lib/grants/authorization-code.js';
import type { ClientMetadata } from '../../lib/metadata/client-metadata.js';
import { hashOf } from '../../lib/testing/provider/keys.js';
import type { TrustedAudiences } from '../../lib/tokens/trusted-audiences.js';
import { clientOf, loginWith, rejection } from '../support/client/client.js';
import { T } from '../support/clock.js';
import type { HostileProvider, Members } from '../support/provider/hostile-provider.js';
import { startProvider } from '../support/provider/provider.js';

interface Login {
  readonly request?: { readonly max_age?: number };
  readonly trustedAudiences?: TrustedAudiences;
  readonly nonce?: NonceOption;
  readonly metadata?: Partial<ClientMetadata>;
  readonly prepare?: (op: HostileProvider) => void;
}

type Claims = (claims: Members) => object | string;

/** One login whose ID token says something wrong; userinfo is wanted and must not be asked. */
async function login(claims: Claims, { request = {}, trustedAudiences = [], nonce, metadata = {}, prepare }: Login) {
  const op = await startProvider();
  op.idToken({ claims });
  prepare?.(op);
  const { oidc } = clientOf(op, { metadata });
  const done = loginWith(oidc, op, {
    request,
    callback: { userinfo: true, trustedAudiences, ...(nonce && { nonce }) },
  });
  return { op, done };
}

async function expectRefused(claims: Claims, code: string, how: Login = {}): Promise<void> {
  const { op, done } = await login(claims, how);
  expect(await rejection(done)).toMatchObject({ name: 'VerificationError', code });
  expect([op.count('token'), op.count('userinfo')]).toEqual([1, 0]);
}

/** `accepted`, or the code of the error. */
const outcomeOf = (done: Promise<unknown>): Promise<string> =>
  done.then(
    () => 'accepted',
    (error: unknown) => Object(error).code,
  );

async function expectAccepted(claims: Claims, how: Login = {}): Promise<Members> {
  const { op, done } = await login(claims, how);
  const { idToken } = await done;
  expect([op.count('token'), op.count('userinfo')]).toEqual([1, 1]);
  return idToken.claims;
}

const without =
  (...names: readonly string[]): Claims =>
  (claims) =>
    Object.fromEntries(Object.entries(claims).filter(([name]) => !names.includes(name)));

const withMembers =
  (members: Members): Claims =>
  (claims) => ({ ...claims, ...members });

/** A number as it is written: more digits than a double has, or infinity. */
const withNumber =
  (name: string, digits: string): Claims =>
  (claims) =>
    JSON.stringify({ ...claims, [name]: 'number' }).replace('"number"', digits);

describe('who an ID token is from, for and about', () => {
  it.each<[string, Claims, string]>([
    ['IDT-16 D1 another issuer', (c) => ({ ...c, iss: `${String(c['iss'])}1` }), 'ISS_MISMATCH'],
    ['IDT-16 D1 no issuer', without('iss'), 'ISS_MISMATCH'],
    ['IDT-16 a list of issuers', (c) => ({ ...c, iss: [c['iss']] }), 'ISS_MISMATCH'],
    ['IDT-16 an issuer with a slash more', (c) => ({ ...c, iss: `${String(c['iss'])}/` }), 'ISS_MISMATCH'],
    ['IDT-16 an issuer in capitals', (c) => ({ ...c, iss: String(c['iss']).toUpperCase() }), 'ISS_MISMATCH'],
    ['IDT-16 null as issuer', withMembers({ iss: null }), 'ISS_MISMATCH'],
    ['IDT-17 D3 no audience', without('aud'), 'AUD_MISMATCH'],
    ['IDT-17 an empty list of audiences', withMembers({ aud: [] }), 'AUD_MISMATCH'],
    ['IDT-17 null as audience', withMembers({ aud: null }), 'AUD_MISMATCH'],
    ['IDT-17 a list in the list', withMembers({ aud: [['rp1']] }), 'AUD_MISMATCH'],
    ['IDT-17 an object as audience', withMembers({ aud: { rp1: true } }), 'AUD_MISMATCH'],
    ['IDT-18 D3 another audience', withMembers({ aud: 'rp11' }), 'AUD_MISMATCH'],
    ['IDT-18 an audience in capitals', withMembers({ aud: 'RP1' }), 'AUD_MISMATCH'],
    ['IDT-18 audiences in one string', withMembers({ aud: 'rp1 evil' }), 'AUD_MISMATCH'],
    ['IDT-21 D4 an audience that is not trusted', withMembers({ aud: ['rp1', 'evil'] }), 'AUD_MISMATCH'],
    ['IDT-21 the same, with azp', withMembers({ aud: ['rp1', 'evil'], azp: 'rp1' }), 'AUD_MISMATCH'],
    ['another azp', withMembers({ azp: 'evil' }), 'AZP_MISMATCH'],
    ['azp that is a list', withMembers({ azp: ['rp1'] }), 'AZP_MISMATCH'],
    ['azp that is null', withMembers({ azp: null }), 'AZP_MISMATCH'],
    ['IDT-25 D2 no subject', without('sub'), 'CLAIM_MISSING'],
    ['IDT-25 an empty subject', withMembers({ sub: '' }), 'CLAIM_INVALID'],
    ['IDT-25 INJ-05 a number as subject', withNumber('sub', '12345678901234567890'), 'CLAIM_INVALID'],
    ['IDT-25 a list as subject', withMembers({ sub: ['alice'] }), 'CLAIM_INVALID'],
    ['IDT-25 null as subject', withMembers({ sub: null }), 'CLAIM_INVALID'],
    ['IDT-25 a subject of 256 characters', withMembers({ sub: 'x'.repeat(256) }), 'CLAIM_INVALID'],
    ['IDT-26 NUL in the subject', withMembers({ sub: 'a\u0000b' }), 'CLAIM_INVALID'],
    ['IDT-26 a line break after the subject', withMembers({ sub: 'alice\n' }), 'CLAIM_INVALID'],
    ['IDT-26 a C1 control in the subject', withMembers({ sub: 'a\u0085b' }), 'CLAIM_INVALID'],
    ['IDT-26 a lone surrogate in the subject', withMembers({ sub: 'a\ud800' }), 'CLAIM_INVALID'],
  ])('%s is refused', (_what, claims, code) => expectRefused(claims, code));

  it.each<[string, Claims]>([
    ['IDT-20 D5 a list with the client alone', withMembers({ aud: ['rp1'] })],
    ['azp that is the client', withMembers({ azp: 'rp1' })],
    ['IDT-25 a subject of 255 characters', withMembers({ sub: 'x'.repeat(255) })],
    ['IDT-26 emoji and accents in the subject', withMembers({ sub: 'zoë🙂' })],
    ['IDT-25 a subject of 255 emoji', withMembers({ sub: '🙂'.repeat(255) })],
    ['IDT-26 __proto__ as subject', withMembers({ sub: '__proto__' })],
    ['IDT-26 a path as subject', withMembers({ sub: '../../x' })],
  ])('%s is accepted', async (_what, claims) => {
    // Userinfo would name the user as the provider knows her.
    const op = await startProvider();
    op.idToken({ claims });
    await expect(loginWith(clientOf(op).oidc, op)).resolves.toMatchObject({ idToken: { sub: expect.any(String) } });
  });

  const trustedAudiences = ['https://api.test'];

  it.each<[string, Members]>([
    ['IDT-21 with azp', { aud: ['https://api.test', 'rp1'], azp: 'rp1' }],
    ['of the client alone', { aud: 'rp1' }],
  ])('%s a trusted audience is accepted', (_what, members) =>
    expectAccepted(withMembers(members), { trustedAudiences }),
  );

  it.each<[string, Members, string]>([
    ['IDT-24 D4 without azp', { aud: ['rp1', 'https://api.test'] }, 'AZP_MISMATCH'],
    ['without the client', { aud: 'https://api.test' }, 'AUD_MISMATCH'],
    ['without the client, for the client', { aud: ['https://api.test'], azp: 'rp1' }, 'AUD_MISMATCH'],
    ['issued to it', { aud: ['rp1', 'https://api.test'], azp: 'https://api.test' }, 'AZP_MISMATCH'],
    ['beside another', { aud: ['rp1', 'https://api.test', 'evil'], azp: 'rp1' }, 'AUD_MISMATCH'],
  ])('%s a trusted audience is refused', (_what, members, code) =>
    expectRefused(withMembers(members), code, { trustedAudiences }),
  );

  it.each<[string, Members]>([
    ['IDT-21 beside any other', { aud: ['project', 'rp1', 'other-client'], azp: 'rp1' }],
    ['alone', { aud: 'rp1' }],
    ['alone in a list', { aud: ['rp1'] }],
  ])('the client %s is accepted where azp is trusted', (_what, members) =>
    expectAccepted(withMembers(members), { trustedAudiences: 'azp' }),
  );

  it.each<[string, Members, string]>([
    ['IDT-24 without azp', { aud: ['rp1', 'project'] }, 'AZP_MISMATCH'],
    ['issued to another', { aud: ['rp1', 'project'], azp: 'project' }, 'AZP_MISMATCH'],
    ['issued to nobody', { aud: ['rp1', 'project'], azp: '' }, 'AZP_MISMATCH'],
    ['issued to a list', { aud: ['rp1', 'project'], azp: ['rp1'] }, 'AZP_MISMATCH'],
    ['issued to another, for the client alone', { aud: 'rp1', azp: 'project' }, 'AZP_MISMATCH'],
    ['for others, issued to the client', { aud: ['project', 'rp11'], azp: 'rp1' }, 'AUD_MISMATCH'],
    ['for nobody', { aud: [], azp: 'rp1' }, 'AUD_MISMATCH'],
  ])('%s an ID token is refused where azp is trusted', (_what, members, code) =>
    expectRefused(withMembers(members), code, { trustedAudiences: 'azp' }),
  );

  it.each(['*', ['*'], ['https://*.test'], ['azp'], [''], 'rp2'])('%j is no list of audiences', async (wrong) => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    const trustedAudiences = wrong as TrustedAudiences;
    const refused = { name: 'ConfigError', member: 'trustedAudiences' };
    expect(await rejection(loginWith(oidc, op, { callback: { trustedAudiences } }))).toMatchObject(refused);
    expect(await rejection(oidc.refresh('RT', { trustedAudiences }))).toMatchObject(refused);
    expect(op.count('token')).toBe(0);
  });

  it('IDT-26 a member called __proto__ reaches no prototype', async () => {
    const op = await startProvider();
    op.idToken({ claims: (claims) => `{"__proto__":{"admin":true},${JSON.stringify(claims).slice(1)}` });
    const { idToken } = await loginWith(clientOf(op).oidc, op);
    expect([idToken.claims['admin'], Object.keys(idToken.claims)]).toEqual([
      undefined,
      ['iss', 'sub', 'aud', 'iat', 'exp', 'nonce', 'at_hash'],
    ]);
    expect('admin' in {}).toBe(false);
  });
});

describe('when an ID token is valid', () => {
  it.each<[string, Claims, string]>([
    ['IDT-27 D6 no exp', without('exp'), 'CLAIM_MISSING'],
    ['D6 exp six minutes ago', withMembers({ exp: T - 360 }), 'EXPIRED'],
    ['CLOCK-01 IDT-28 exp 31 seconds ago', withMembers({ exp: T - 31 }), 'EXPIRED'],
    ['CLOCK-01 IDT-28 exp 30 seconds ago', withMembers({ exp: T - 30 }), 'EXPIRED'],
    ['INJ-05 exp later than any date', withMembers({ exp: 1e16 }), 'CLAIM_INVALID'],
    ['INJ-05 exp that is infinite', withNumber('exp', '1e999'), 'CLAIM_INVALID'],
    ['exp before all time', withMembers({ exp: -1 }), 'CLAIM_INVALID'],
    ['exp as text', withMembers({ exp: `${T + 60}` }), 'CLAIM_INVALID'],
    ['exp null', withMembers({ exp: null }), 'CLAIM_INVALID'],
    ['exp a list', withMembers({ exp: [T + 60] }), 'CLAIM_INVALID'],
    ['exp true', withMembers({ exp: true }), 'CLAIM_INVALID'],
    ['IDT-32 D7 no iat', without('iat'), 'CLAIM_MISSING'],
    ['CLOCK-03 IDT-33 iat in 31 seconds', withMembers({ iat: T + 31 }), 'NOT_YET_VALID'],
    ['IDT-33 iat in milliseconds', withMembers({ iat: T * 1000 }), 'NOT_YET_VALID'],
    ['IDT-34 D8 iat a week ago', withMembers({ iat: T - 604_800 }), 'TOO_OLD'],
    ['IDT-34 iat ten minutes and 31 seconds ago', withMembers({ iat: T - 631 }), 'TOO_OLD'],
    ['CLOCK-02 IDT-35 nbf in 31 seconds', withMembers({ nbf: T + 31 }), 'NOT_YET_VALID'],
    ['nbf as text', withMembers({ nbf: `${T}` }), 'CLAIM_INVALID'],
  ])('%s is refused', (_what, claims, code) => expectRefused(claims, code));

  it.each<[string, Members]>([
    ['CLOCK-01 IDT-28 exp 29 seconds ago', { exp: T - 29 }],
    ['CLOCK-01 exp now', { exp: T }],
    ['CLOCK-01 exp in a second', { exp: T + 1 }],
    ['CLOCK-10 exp 29.5 seconds ago', { exp: T - 29.5 }],
    ['IDT-36 exp in 10.5 seconds', { exp: T + 10.5 }],
    ['IDT-31 exp in ten years', { exp: T + 315_360_000 }],
    ['CLOCK-08 exp at the end of 31 bits', { exp: 2 ** 31 }],
    ['CLOCK-08 exp in the year 2100', { exp: 4_102_444_800 }],
    ['CLOCK-03 IDT-33 iat in 30 seconds', { iat: T + 30 }],
    ['IDT-34 iat ten minutes and 30 seconds ago', { iat: T - 630 }],
    ['CLOCK-02 nbf in 29 seconds', { nbf: T + 29 }],
    ['CLOCK-02 IDT-35 nbf in 30 seconds', { nbf: T + 30 }],
  ])('%s is accepted', (_what, members) => expectAccepted(withMembers(members)));

  it.each<[string, number, Members, string]>([
    ['CLOCK-04 exp now', 0, { exp: T }, 'EXPIRED'],
    ['CLOCK-04 exp in a second', 0, { exp: T + 1 }, 'accepted'],
    ['iat in a second', 0, { iat: T + 1 }, 'NOT_YET_VALID'],
    ['exp 299 seconds ago', 300, { exp: T - 299 }, 'accepted'],
    ['exp 300 seconds ago', 300, { exp: T - 300 }, 'EXPIRED'],
  ])('%s with a tolerance of %i seconds', async (_what, tolerance, members, code) => {
    const op = await startProvider();
    op.idToken({ claims: withMembers(members) });
    const { oidc } = clientOf(op, { settings: { tolerance } });
    expect(await outcomeOf(loginWith(oidc, op))).toBe(code);
  });
});

describe('the hash of the access token', () => {
  const ACCESS_TOKEN = 'jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y';

  /** Of the access token of OpenID Connect Core 1.0, appendix A.4, whose own example is the first. */
  const HASHES: Readonly<Record<string, string>> = {
    sha256: '77QmUPtjPfzWtF2AnpK9RQ',
    sha384: 'jtAeDp945y1dDqU3nkIVGNZP1HjH_MFs',
    sha512: 'q7nS86GgvvFaZkzALLWqJYaJIKw2wCDAVfCAsm5CrBM',
  };

  const prepare = (op: HostileProvider) => op.tokenResponse((members) => ({ ...members, access_token: ACCESS_TOKEN }));

  it.each([
    'RS256',
    'RS384',
    'RS512',
    'PS256',
    'PS384',
    'PS512',
    'ES256',
    'ES384',
    'ES512',
    'EdDSA',
    'Ed25519',
    'HS256',
  ])('IDT-14 is of the hash that belongs to %s, and of no other', async (alg) => {
    const own = hashOf(alg);
    for (const [hash, at_hash] of Object.entries(HASHES)) {
      const op = await startProvider();
      prepare(op);
      op.idToken({ claims: withMembers({ at_hash }) });
      const { oidc } = clientOf(op, { metadata: { id_token_signed_response_alg: alg } });
      const outcome = await outcomeOf(loginWith(oidc, op));
      expect(outcome).toBe(hash === own ? 'accepted' : 'AT_HASH_MISMATCH');
    }
  });

  it.each<[string, unknown]>([
    ['IDT-12 of another access token', 'AAAAAAAAAAAAAAAAAAAAAA'],
    ['IDT-13 that is a number', 77],
    ['IDT-13 of full length', '77QmUPtjPfzWtF2AnpK9RWpXrWlrecdbLUyJDIb7S6Q'],
    ['IDT-13 with padding', '77QmUPtjPfzWtF2AnpK9RQ=='],
    ['IDT-13 in another spelling', '77QmUPtjPfzWtF2AnpK9RR'],
    ['that is empty', ''],
    ['that is null', null],
  ])('%s is refused', (_what, at_hash) => expectRefused(withMembers({ at_hash }), 'AT_HASH_MISMATCH', { prepare }));

  it('D13 may be absent', () => expectAccepted(without('at_hash')));
});

describe('the nonce', () => {
  it.each<[string, Claims, string]>([
    ['TXN-18 D10 missing', without('nonce'), 'NONCE_MISSING'],
    ['TXN-17 TXN-19 D9 of another login', (c) => ({ ...c, nonce: `${String(c['nonce'])}1` }), 'NONCE_MISMATCH'],
    ['TXN-19 of nobody', withMembers({ nonce: 'x' }), 'NONCE_MISMATCH'],
    ['that is null', withMembers({ nonce: null }), 'NONCE_MISMATCH'],
    ['that is a list', (c) => ({ ...c, nonce: [c['nonce']] }), 'NONCE_MISMATCH'],
    ['that is empty', withMembers({ nonce: '' }), 'NONCE_MISMATCH'],
  ])('%s ends the login', (_what, claims, code) => expectRefused(claims, code));

  it('TXN-17 a code of another login is refused by PKCE, and by its nonce where the provider ignores PKCE', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    const victim = await oidc.authorizationUrl();
    const attacker = await oidc.authorizationUrl();
    const sent = Object.fromEntries(new URL(victim.url).searchParams);
    const answer = (code: string) =>
      new Map([
        ['code', code],
        ['state', attacker.transaction.state],
        ['iss', op.issuer],
      ]);
    const refusal = await rejection(oidc.callback(answer(op.issueCode('rp1', sent)), attacker.transaction));
    expect(refusal).toMatchObject({ name: 'OAuthError', code: 'OP_ERROR', error: 'invalid_grant' });

    const [, challenge = ''] = /code_challenge=([^&]*)/.exec(attacker.url) ?? [];
    const ignored = op.issueCode('rp1', { ...sent, code_challenge: challenge });
    const mismatch = await rejection(oidc.callback(answer(ignored), attacker.transaction, { userinfo: true }));
    expect(mismatch).toMatchObject({ name: 'VerificationError', code: 'NONCE_MISMATCH' });
    expect([op.count('token'), op.count('userinfo')]).toEqual([2, 0]);
  });
});

describe('when the end-user authenticated', () => {
  it.each<[string, number | undefined, Members, string | undefined]>([
    ['TXN-22 not said, though asked', 600, { auth_time: undefined }, 'AUTH_TIME_MISSING'],
    ['TXN-22 null', 600, { auth_time: null }, 'CLAIM_INVALID'],
    ['as text', 600, { auth_time: `${T}` }, 'CLAIM_INVALID'],
    ['as text, though not asked', undefined, { auth_time: `${T}` }, 'CLAIM_INVALID'],
    ['TXN-23 max_age and the tolerance ago', 600, { auth_time: T - 630 }, undefined],
    ['TXN-23 a second earlier', 600, { auth_time: T - 631 }, 'AUTH_TIME_TOO_OLD'],
    ['long ago, though not asked', undefined, { auth_time: T - 604_800 }, undefined],
    ['30 seconds from now', 600, { auth_time: T + 30 }, undefined],
    ['31 seconds from now', 600, { auth_time: T + 31 }, 'NOT_YET_VALID'],
    ['31 seconds from now, though not asked', undefined, { auth_time: T + 31 }, 'NOT_YET_VALID'],
  ])('%s (max_age %p)', async (_what, max_age, members, code) => {
    const how = { request: max_age === undefined ? {} : { max_age } };
    await (code === undefined
      ? expectAccepted(withMembers(members), how)
      : expectRefused(withMembers(members), code, how));
  });

  it.each<[number, string]>([
    [T - 30, 'accepted'],
    [T - 31, 'AUTH_TIME_TOO_OLD'],
    [T + 300, 'accepted'],
  ])(
    'TXN-23 with max_age 0 at %i, where the login began at T and ended five minutes later',
    async (auth_time, outcome) => {
      const op = await startProvider();
      const { oidc } = clientOf(op);
      const { url, transaction } = await oidc.authorizationUrl({ max_age: 0 });
      op.clock.advance(300);
      op.idToken({ claims: withMembers({ auth_time }) });
      const issued = op.issueCode('rp1', Object.fromEntries(new URL(url).searchParams));
      const parameters = new Map([
        ['code', issued],
        ['state', transaction.state],
        ['iss', op.issuer],
      ]);
      expect(await outcomeOf(oidc.callback(parameters, transaction))).toBe(outcome);
    },
  );

  it('is asked for and required by default_max_age and by require_auth_time', async () => {
    const gone = withMembers({ auth_time: undefined });
    await expectRefused(gone, 'AUTH_TIME_MISSING', { metadata: { default_max_age: 600 } });
    await expectRefused(gone, 'AUTH_TIME_MISSING', { metadata: { require_auth_time: true } });
    await expectRefused(withMembers({ auth_time: T - 631 }), 'AUTH_TIME_TOO_OLD', {
      metadata: { default_max_age: 600 },
    });
    await expectAccepted((claims) => claims, { metadata: { require_auth_time: true } });
  });
});

describe('at a provider that returns no nonce', () => {
  it('is accepted without it, and with the one that was sent', async () => {
    await expectAccepted(without('nonce'), { nonce: 'unsupported' });
    await expectAccepted((claims) => claims, { nonce: 'unsupported' });
  });

  it.each(['of-another', '', null, ['x']])('TXN-19 the nonce %j is refused', (nonce) =>
    expectRefused(withMembers({ nonce }), 'NONCE_MISMATCH', { nonce: 'unsupported' }),
  );

  it('needs PKCE: a provider that lists other methods only is sent no code', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    op.discovery((document) => ({ ...document, code_challenge_methods_supported: ['plain'] }));
    const done = loginWith(oidc, op, { callback: { nonce: 'unsupported' } });
    expect(await rejection(done)).toMatchObject({ name: 'ConfigError', member: 'login.nonce' });
    expect(op.count('token')).toBe(0);
  });
});
