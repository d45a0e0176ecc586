import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import * as v from 'valibot';

import type { AccessTokenProfile } from '../../lib/index.js';
import { accessTokenProfileSchema } from '../../lib/tokens/access-token-profile.js';
import { AccessTokenReader } from '../../lib/tokens/access-token-reader.js';
import { ACCESS_TOKEN_PROFILES } from '../../lib/tokens/access-token-profiles.js';
import { accessTokenReader } from '../../lib/tokens/access-token-readers.js';
import { isJsonObject, parseJsonObject, type JsonObject } from '../../lib/values/json.js';

const AUDIENCE = ['https://api.test', 'orders.api'];

const readerOf = (profile: Partial<AccessTokenProfile>, audience: readonly string[] = AUDIENCE) =>
  new AccessTokenReader({ typ: ['JWT'], ...profile }, audience);

const rolesAt = (roles: string | readonly string[], claims: JsonObject) => readerOf({ roles }).rolesOf(claims);

describe('roles', () => {
  it.each<readonly [string, string | readonly string[], JsonObject, readonly string[]]>([
    ['a text is one role', 'role', { role: 'sales clerk' }, ['sales clerk']],
    ['a list has several', 'roles', { roles: ['a', 'b'] }, ['a', 'b']],
    ['each counts once', ['roles', 'groups'], { roles: ['a', 'b', 'a'], groups: ['b', 'c'] }, ['a', 'b', 'c']],
    ['of an object the names count', 'roles', { roles: { admin: { org: 'acme' }, clerk: {} } }, ['admin', 'clerk']],
    ['and of objects in a list', 'roles', { roles: [{ admin: {} }, { clerk: {} }] }, ['admin', 'clerk']],
    ['and the value of one of SCIM', 'roles', { roles: [{ value: 'admin', display: 'Admin' }] }, ['admin']],
    ['numbers, booleans and null are none', 'roles', { roles: [7, true, null, '', 'a'] }, ['a']],
    ['nothing is none', 'roles', {}, []],
    ['null is none', 'roles', { roles: null }, []],
    ['a level down', 'realm_access.roles', { realm_access: { roles: ['a'] } }, ['a']],
    ['a claim with dots', 'https://example.com/roles', { 'https://example.com/roles': ['a'] }, ['a']],
    ['a claim with dots in a claim', 'access.my.app.roles', { access: { 'my.app': { roles: ['a'] } } }, ['a']],
    ['a claim with colons', 'cognito:groups', { 'cognito:groups': ['a'] }, ['a']],
    ['the whole name comes first', 'a.b', { 'a.b': ['whole'], a: { b: ['steps'] } }, ['whole']],
    ['no way through a text', 'roles.length', { roles: 'abc' }, []],
    ['no way through a list', 'roles.0', { roles: ['a'] }, []],
    ['nothing of the prototype', 'constructor.name', {}, []],
    ['nor below a claim', 'a.constructor.name', { a: {} }, []],
    ['nor of __proto__', '__proto__.roles', {}, []],
  ])('%s', (_what, path, claims, roles) => {
    expect(rolesAt(path, claims)).toEqual(roles);
  });

  it('a star stands for the audiences of the API, and for no other client', () => {
    const claims = {
      resource_access: {
        'https://api.test': { roles: ['a'] },
        'orders.api': { roles: ['b'] },
        account: { roles: ['admin'] },
        '*': { roles: ['root'] },
      },
    };
    expect(rolesAt('resource_access.*.roles', claims)).toEqual(['a', 'b']);
    expect(readerOf({ roles: 'resource_access.*.roles' }, ['account.x']).rolesOf(claims)).toEqual([]);
    expect(new AccessTokenReader({ typ: [''], roles: 'resource_access.*.roles' }, undefined).rolesOf(claims)).toEqual(
      [],
    );
  });

  it('an audience that is the name of a member of every object opens nothing', () => {
    const reader = readerOf({ roles: 'resource_access.*.name' }, ['constructor', '__proto__']);
    expect(reader.rolesOf({ resource_access: {} })).toEqual([]);
  });
});

describe('scopes', () => {
  it.each<readonly [string, AccessTokenProfile['scopes'], JsonObject, readonly string[]]>([
    ['a text, between its spaces', 'scp', { scp: ' a  b ' }, ['a', 'b']],
    ['a list', 'scp', { scp: ['a', 'b'] }, ['a', 'b']],
    ['a list of texts with spaces', 'scp', { scp: ['a b', 'c'] }, ['a', 'b', 'c']],
    ['anything else is none', 'scp', { scp: { a: true } }, []],
    ['both', ['scp', 'scope'], { scp: ['a', 'b'], scope: 'b c' }, ['a', 'b', 'c']],
    ['the standard’s, where the profile’s is not there', 'scp', { scope: 'a' }, ['a']],
    ['the standard’s, where the profile names none', undefined, { scope: 'a' }, ['a']],
    ['not the standard’s, where the profile’s is there', 'scp', { scp: '', scope: 'admin' }, []],
    ['nothing of the prototype', 'constructor', {}, []],
  ])('%s', (_what, names, claims, scopes) => {
    expect(readerOf({ scopes: names }).scopesOf(claims)).toEqual(scopes);
  });
});

describe('client', () => {
  it.each<readonly [string, AccessTokenProfile['clientId'], JsonObject, string | undefined]>([
    ['the first that is there', ['azp', 'appid'], { appid: 'b', azp: 'a' }, 'a'],
    ['the second where the first is no text', ['azp', 'appid'], { azp: 7, appid: 'b' }, 'b'],
    ['a list of one', 'aud', { aud: ['a'] }, 'a'],
    ['a list of two names nobody', 'aud', { aud: ['a', 'b'] }, undefined],
    ['the standard’s, where the profile’s is not there', 'azp', { client_id: 'a' }, 'a'],
    ['the standard’s, where the profile names none', undefined, { client_id: 'a' }, 'a'],
    ['no text at all', 'azp', { azp: {}, client_id: ['a'] }, undefined],
    ['nothing of the prototype', 'constructor', {}, undefined],
  ])('%s', (_what, names, claims, client) => {
    expect(readerOf({ clientId: names }).clientOf(claims)).toBe(client);
  });
});

/** Names that every object has, and others that code likes to stumble over. */
const NAMES = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'length',
  'name',
  'a',
  'b',
  'a.b',
  '*',
  '.',
  '',
];

const claimName = fc.oneof(fc.constantFrom(...NAMES), fc.string({ maxLength: 6 }));

/** Any claims, as they come out of a token. */
const claimsArbitrary: fc.Arbitrary<JsonObject> = fc
  .dictionary(claimName, fc.jsonValue({ maxDepth: 3 }), { maxKeys: 6 })
  .map((claims) => parseJsonObject(Buffer.from(JSON.stringify(claims)), 32));

const path = fc.array(claimName, { minLength: 1, maxLength: 4 }).map((steps) => steps.join('.'));

const profileArbitrary: fc.Arbitrary<AccessTokenProfile> = fc.record(
  {
    typ: fc.constant(['JWT']),
    clientId: fc.oneof(claimName, fc.array(claimName)),
    scopes: fc.oneof(claimName, fc.array(claimName)),
    roles: fc.oneof(path, fc.array(path)),
    audience: claimName,
    require: fc.dictionary(claimName, fc.oneof(fc.constant(true), fc.string(), fc.array(fc.string())), {
      maxKeys: 2,
      noNullPrototype: true,
    }),
    refuse: fc.array(claimName, { maxLength: 2 }),
  },
  { requiredKeys: ['typ'], noNullPrototype: true },
);

/** Every text in a value, and every name of a member: nothing else can be a role, a scope or a client. */
function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') {
    return [value];
  }
  if (Array.isArray(value)) {
    return value.flatMap(textsIn);
  }
  return isJsonObject(value) ? Object.entries(value).flatMap(([name, member]) => [name, ...textsIn(member)]) : [];
}

describe('whatever the profile and the claims', () => {
  it('reading throws nothing, and finds nothing that is not in the token', () => {
    fc.assert(
      fc.property(profileArbitrary, claimsArbitrary, fc.array(claimName), (profile, claims, audience) => {
        const reader = new AccessTokenReader(profile, audience);
        const texts = textsIn(claims);
        const words = texts.flatMap((text) => text.split(' '));
        expect(texts).toEqual(expect.arrayContaining([...reader.rolesOf(claims)]));
        expect(words).toEqual(expect.arrayContaining([...reader.scopesOf(claims)]));
        expect([undefined, ...texts]).toContain(reader.clientOf(claims));
        expect(typeof reader.isForUs(claims)).toBe('boolean');
        expect(typeof reader.takes({ typ: 'jwt', iss: undefined, claims })).toBe('boolean');
      }),
      { numRuns: 500 },
    );
  });

  it('a token is for this API only where it has the name of it', () => {
    fc.assert(
      fc.property(profileArbitrary, claimsArbitrary, (profile, claims) => {
        expect(new AccessTokenReader(profile, ['https://api.test']).isForUs(claims)).toBe(false);
      }),
    );
  });

  it('each name that comes with the library reads any claims', () => {
    fc.assert(
      fc.property(fc.constantFrom(...Object.values(ACCESS_TOKEN_PROFILES)), claimsArbitrary, (profile, claims) => {
        const reader = accessTokenReader(profile, AUDIENCE, 'resourceServer.audience');
        const read = [...reader.rolesOf(claims), ...reader.scopesOf(claims), reader.clientOf(claims) ?? ''];
        expect(read.every((text) => typeof text === 'string')).toBe(true);
      }),
    );
  });

  it('a profile that names what every object has is none', () => {
    fc.assert(
      fc.property(fc.constantFrom(...Object.getOwnPropertyNames(Object.prototype)), (claim) => {
        for (const profile of [{ clientId: claim }, { scopes: [claim] }, { audience: claim }, { refuse: [claim] }]) {
          expect(v.safeParse(accessTokenProfileSchema, { typ: ['JWT'], ...profile }).success).toBe(false);
        }
      }),
    );
  });
});
