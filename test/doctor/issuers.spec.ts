import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { beforeEach, describe, expect, it } from '@jest/globals';

import { AUDIENCE } from '../support/app/apps.js';
import { problemsIn, providerWithDate, sectionOf, startDoctor } from '../support/doctor.js';
import { CLIENT_SECRET } from '../support/provider/provider.js';
import type { HostileProvider } from '../support/provider/hostile-provider.js';
import { jwtAccessToken } from '../support/tokens/access-token.js';

type Started = Awaited<ReturnType<typeof startDoctor>>;

let folder: string;
let op: Started['op'];
let other: HostileProvider;
let diagnose: Started['diagnose'];
let doctor: Started['doctor'];

beforeEach(async () => {
  ({ folder, op, diagnose, doctor } = await startDoctor());
  other = await providerWithDate();
});

const registered = { client_id: 'rp1', client_secret: CLIENT_SECRET };

/** The options of an API that trusts the other issuer too. */
const trusting = (trusted: object = {}, more: object = {}) => ({
  resourceServer: {
    audience: AUDIENCE,
    validation: 'auto',
    issuers: [{ issuer: other.issuer, ...trusted }],
    ...more,
  },
});

const SEEN = [
  '  ok       It publishes its metadata.',
  '  note     It has: login, PKCE (S256), userinfo, introspection, signed introspection, revocation, logout, pushed authorization requests, DPoP, device authorization, iss in responses.',
  '  note     It does not say that it has: back-channel logout, certificate-bound tokens.',
  '  ok       It publishes its keys.',
  '  ok       Its clock and ours agree.',
  '  warning  It speaks plain http, which is for development only.',
];

describe('another issuer that is trusted', () => {
  it('is examined as the own one is', async () => {
    const { code, output } = await diagnose(trusting());
    expect(sectionOf(output, `Issuer ${other.issuer}`)).toEqual(SEEN);
    expect(sectionOf(output, 'Server')).toEqual(SEEN);
    expect(code).toBe(0);
  });

  it('is not there', async () => {
    const { issuer } = other;
    const options = trusting();
    await other.die();
    const { code, output } = await diagnose(options);
    expect({ code, lines: sectionOf(output, `Issuer ${issuer}`) }).toEqual({
      code: 1,
      lines: [
        `  problem  The server can not be reached. (url: ${issuer}/.well-known/openid-configuration, reason: ECONNREFUSED) Nobody listens there. [UPSTREAM_UNAVAILABLE]`,
        '  warning  It speaks plain http, which is for development only.',
      ],
    });
  });

  it('publishes keys of which none can be used', async () => {
    other.jwks(() => ({ keys: [{ kty: 'RSA', kid: 'k1', e: 'AQAB' }] }));
    const { output } = await diagnose(trusting());
    expect(problemsIn(output)).toEqual([
      '  problem  It publishes no key that can be used: no signature can be verified.',
    ]);
    expect(sectionOf(output, `Issuer ${other.issuer}`)).toContain(
      '  warning  Its key "k1" lacks a member that a key of its kind has (RFC 7518, section 6).',
    );
  });

  it('does not take our client there as it is registered', async () => {
    other.discovery(({ introspection_endpoint: _, ...document }) => ({
      ...document,
      token_endpoint_auth_methods_supported: ['private_key_jwt'],
      id_token_signing_alg_values_supported: ['RS256'],
    }));
    const client = { ...registered, id_token_signed_response_alg: 'ES512' };
    const { output } = await diagnose(trusting({ client }, { validation: 'introspection' }));
    expect(problemsIn(output)).toEqual([
      '  problem  resourceServer.issuers.0.client.id_token_signed_response_alg is not among the algorithms of the server (OpenID Connect Dynamic Client Registration 1.0, section 2) [INVALID_CONFIG]',
      '  problem  resourceServer.issuers.0.server.introspection_endpoint is not published by the server (RFC 8414, section 2) [ENDPOINT_MISSING]',
    ]);
  });

  it('has nothing to introspect with', async () => {
    const client = { client_id: 'rp1', token_endpoint_auth_method: 'none' };
    const { output } = await diagnose(trusting({ client }));
    expect(problemsIn(output)).toEqual([
      `  problem  resourceServer.issuers: a client has nothing to authenticate with: introspection needs that (RFC 7662, section 2.1) (issuer: ${other.issuer}) [INVALID_CONFIG]`,
      '  problem  client.token_endpoint_auth_method: must not be none: introspection needs a client that authenticates (RFC 7662, section 2.1) [INVALID_CONFIG]',
    ]);
  });
});

describe('a JWT of another issuer', () => {
  it('is verified there', async () => {
    const token = jwtAccessToken(other, { claims: { scope: 'orders:read' } });
    const { output } = await diagnose(trusting(), { arguments: ['--token', '-'], input: token });
    expect(sectionOf(output, 'Token').at(-1)).toBe('  ok       It is good, with the scopes orders:read.');
    expect(output).not.toContain(token);
  });

  it('is refused where that one is not trusted', async () => {
    const stranger = await providerWithDate();
    const token = jwtAccessToken(stranger);
    const { output } = await diagnose(trusting(), { arguments: ['--token', '-'], input: token });
    expect(problemsIn(output)).toEqual([
      `  problem  The token is of an issuer that is not trusted. (iss: ${stranger.issuer}, wanted: ${op.issuer},${other.issuer}) [TOKEN_ISSUER]`,
    ]);
  });
});

describe('an issuer that is none', () => {
  it.each([
    ['https://op.test/.well-known/openid-configuration', 'must be the issuer, not the address of its metadata'],
    ['https://op.test?tenant=1', 'must have no query'],
  ])('%s is named, and not called', async (issuer, problem) => {
    expect(await doctor({ arguments: ['doctor', issuer] })).toEqual({
      code: 1,
      output: `${issuer}\n\nConfiguration\n  problem  issuer: ${problem} [INVALID_CONFIG]\n\n1 problem, 0 warnings.`,
    });
  });
});

it('says of a function that it can not look into it', async () => {
  await writeFile(
    join(folder, 'oidc.config.mjs'),
    `export default () => ({
      issuer: '${op.issuer}',
      client: { client_id: 'rp1', client_secret: '${CLIENT_SECRET}' },
      resourceServer: { audience: '${AUDIENCE}', issuers: () => undefined },
    });`,
  );
  const { output } = await doctor({ arguments: ['doctor', '--config', 'oidc.config.mjs'] });
  expect(sectionOf(output, 'Configuration')).toEqual([
    '  note     resourceServer.issuers is a function: ask the doctor about each issuer that it trusts.',
    "  ok       The server takes the client's credentials.",
    '  ok       It fits the server.',
  ]);
});
