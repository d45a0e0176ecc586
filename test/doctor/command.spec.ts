import { beforeEach, describe, expect, it } from '@jest/globals';

import { AUDIENCE } from '../support/app/apps.js';
import { T } from '../support/clock.js';
import { closeLater } from '../support/closing.js';
import { CLIENT, problemsIn, startDoctor } from '../support/doctor.js';
import { CLIENT_SECRET } from '../support/provider/provider.js';
import { RealProvider } from '../support/provider/real-provider.js';
import { jwtAccessToken } from '../support/tokens/access-token.js';

type Started = Awaited<ReturnType<typeof startDoctor>>;

let op: Started['op'];
let doctor: Started['doctor'];
let diagnose: Started['diagnose'];

beforeEach(async () => {
  ({ op, doctor, diagnose } = await startDoctor());
});

/** What is said of the correct provider. */
const SERVER = `  ok       It publishes its metadata.
  note     It has: login, PKCE (S256), userinfo, introspection, signed introspection, revocation, logout, pushed authorization requests, DPoP, device authorization, iss in responses.
  note     It does not say that it has: back-channel logout, certificate-bound tokens.
  ok       It publishes its keys.
  ok       Its clock and ours agree.
  warning  It speaks plain http, which is for development only.`;

describe('nestjs-oidc doctor', () => {
  it('tells what a server can do', async () => {
    expect(await doctor({ arguments: ['doctor', op.issuer] })).toEqual({
      code: 0,
      output: `${op.issuer}

Server
${SERVER}

0 problems, 1 warning.`,
    });
  });

  it('finds nothing in a configuration that fits, and takes a good token from standard input', async () => {
    const token = op.issue({ scope: 'orders:read', aud: AUDIENCE });
    const { code, output } = await diagnose({}, { arguments: ['--token', '-'], input: `${token}\n` });
    expect(output).not.toContain(token);
    expect({ code, output }).toEqual({
      code: 0,
      output: `${op.issuer}

Server
${SERVER}

Configuration
  ok       The server takes the client's credentials.
  ok       It fits the server.

Token
  ok       It has 43 characters, which every proxy takes.
  note     It is opaque: resourceServer.validation 'introspection' and 'auto' take it.
  ok       It is good, with the scopes orders:read.

0 problems, 1 warning.`,
    });
  });

  it('gives JSON', async () => {
    op.discovery((document) => ({ ...document, id_token_signing_alg_values_supported: ['RS256'] }));
    const { code, output } = await diagnose(
      { client: { client_id: 'rp1', client_secret: CLIENT_SECRET, id_token_signed_response_alg: 'ES512' } },
      { arguments: ['--json'] },
    );
    expect(code).toBe(1);
    expect(JSON.parse(output)).toEqual({
      issuer: op.issuer,
      result: 'problems',
      sections: [
        { title: 'Server', lines: expect.any(Array) },
        {
          title: 'Configuration',
          lines: [
            {
              level: 'problem',
              text: 'client.id_token_signed_response_alg is not among the algorithms of the server (OpenID Connect Dynamic Client Registration 1.0, section 2)',
              code: 'INVALID_CONFIG',
            },
          ],
        },
      ],
    });
  });
});

describe('a broken configuration', () => {
  const client = CLIENT;

  it('1: the issuer has another name', async () => {
    op.discovery((document) => ({ ...document, issuer: 'https://other.test' }));
    const { code, output } = await diagnose({});
    expect({ code, problems: problemsIn(output) }).toEqual({
      code: 1,
      problems: [
        `  problem  The server at "${op.issuer}" publishes the metadata of another issuer: "https://other.test". Write issuer as your server publishes it, letter by letter: a slash at the end counts. [ISSUER_MISMATCH]`,
      ],
    });
  });

  it('is metadata of another issuer that is written out', async () => {
    const { code, output } = await diagnose({ server: { issuer: `${op.issuer}/` } });
    expect({ code, problems: problemsIn(output) }).toEqual({
      code: 1,
      problems: ['  problem  server.issuer: must be the issuer, letter by letter [INVALID_CONFIG]'],
    });
  });

  it('is metadata that is written out and lacks a member', async () => {
    const { code, output } = await diagnose({ server: { issuer: op.issuer, jwks_uri: 'nowhere' } });
    expect({ code, problems: problemsIn(output) }).toEqual({
      code: 1,
      problems: [
        "  problem  The server's metadata has a wrong value: jwks_uri. (found: nowhere, wanted: a URL) [INVALID_SERVER_METADATA]",
      ],
    });
  });

  it('2: the server is not there', async () => {
    const { issuer } = op;
    await op.die();
    const { code, output } = await doctor({ arguments: ['doctor', issuer] });
    expect({ code, problems: problemsIn(output) }).toEqual({
      code: 1,
      problems: [
        `  problem  The server can not be reached. (url: ${issuer}/.well-known/openid-configuration, reason: ECONNREFUSED) Nobody listens there. [UPSTREAM_UNAVAILABLE]`,
      ],
    });
  });

  it('3: an algorithm that the server has not', async () => {
    op.discovery((document) => ({ ...document, id_token_signing_alg_values_supported: ['RS256'] }));
    const { code, output } = await diagnose({ client: { ...client, id_token_signed_response_alg: 'ES512' } });
    expect({ code, problems: problemsIn(output) }).toEqual({
      code: 1,
      problems: [
        '  problem  client.id_token_signed_response_alg is not among the algorithms of the server (OpenID Connect Dynamic Client Registration 1.0, section 2) [INVALID_CONFIG]',
      ],
    });
  });

  it('4: a method of authentication that the server does not take', async () => {
    op.discovery((document) => ({ ...document, token_endpoint_auth_methods_supported: ['private_key_jwt'] }));
    const { code, output } = await diagnose({});
    expect({ code, problems: problemsIn(output) }).toEqual({
      code: 1,
      problems: [
        '  problem  client.token_endpoint_auth_method is not among the methods of the server (RFC 8414, section 2) [AUTH_METHOD_UNSUPPORTED]',
      ],
    });
  });

  it('5: no introspection endpoint', async () => {
    op.discovery(({ introspection_endpoint: _, ...document }) => document);
    const { code, output } = await diagnose({});
    expect({ code, problems: problemsIn(output) }).toEqual({
      code: 1,
      problems: [
        '  problem  server.introspection_endpoint is not published by the server (RFC 8414, section 2) [ENDPOINT_MISSING]',
      ],
    });
  });

  it('6: a misspelt option', async () => {
    const { code, output } = await diagnose({ resourceServer: { audience: AUDIENCE, audiance: AUDIENCE } });
    expect({ code, problems: problemsIn(output) }).toEqual({
      code: 1,
      problems: [
        '  problem  resourceServer.audiance: there is no such option, did you mean audience? [INVALID_CONFIG]',
      ],
    });
  });

  it('7: a session secret that is too short', async () => {
    const { code, output } = await diagnose({ session: { secret: 'short' } });
    expect({ code, problems: problemsIn(output) }).toEqual({
      code: 1,
      problems: [
        '  problem  session.secret: must be at least 32 bytes, as `openssl rand -base64 32` makes them [INVALID_CONFIG]',
      ],
    });
  });

  it('8: keys that can not be fetched', async () => {
    op.answer('jwks', { status: 404 });
    const { code, output } = await diagnose({});
    expect({ code, problems: problemsIn(output) }).toEqual({
      code: 1,
      problems: [
        `  problem  The server did not publish its keys where it says. (url: ${op.issuer}/jwks, status: 404) [UNEXPECTED_STATUS]`,
      ],
    });
  });

  it('9: a clock that is minutes away', async () => {
    op.answer('discovery', async (_request, next) => {
      const right = await next();
      return { ...right, headers: { ...right.headers, date: new Date((T - 240) * 1000).toUTCString() } };
    });
    const { code, output } = await diagnose({});
    expect({ code, problems: problemsIn(output) }).toEqual({
      code: 1,
      problems: ['  problem  Its clock is 240 s behind ours; the tolerance is 30 s.'],
    });
  });

  it('10: a token for another API', async () => {
    const token = op.issue({ scope: 'orders:read', aud: 'https://other.test' });
    const { code, output } = await diagnose({}, { environment: { OIDC_TOKEN: token } });
    expect({ code, problems: problemsIn(output) }).toEqual({
      code: 1,
      problems: [
        '  problem  The token is for another API. (aud: https://other.test, wanted: https://api.test) [TOKEN_AUDIENCE]',
      ],
    });
  });

  it('11: the wrong secret', async () => {
    const wrong = 'not-the-secret-that-is-registered-there';
    const { code, output } = await diagnose(
      { client: { ...client, client_secret: wrong } },
      { arguments: ['--token', op.issue({ scope: 'orders:read', aud: AUDIENCE })] },
    );
    expect(output).not.toContain(wrong);
    expect({ code, problems: problemsIn(output) }).toEqual({
      code: 1,
      problems: [
        `  problem  The server's introspection_endpoint does not accept this client as it is configured: invalid_client. (error: invalid_client, url: ${op.issuer}/introspect, status: 401, content_type: application/json) Compare client_id, client_secret and the authentication method with what is registered. [CLIENT_MISCONFIGURED]`,
      ],
    });
  });

  it('12: an opaque token where signatures are verified', async () => {
    const { code, output } = await diagnose(
      { resourceServer: { audience: AUDIENCE, validation: 'jwt' } },
      { arguments: ['--token', op.issue({ scope: 'orders:read', aud: AUDIENCE })] },
    );
    expect({ code, problems: problemsIn(output) }).toEqual({
      code: 1,
      problems: ["  problem  resourceServer.validation is 'jwt', which takes no opaque token."],
    });
  });
});

describe('a certificate', () => {
  const DAY = 86_400;

  it.each([
    ['is good for long', 90, '  ok       Its certificate ends on 2027-04-15, in 90 days.'],
    ['ends soon', 5, '  warning  Its certificate ends on 2027-01-20, in 5 days.'],
    ['has ended', -2, '  problem  Its certificate ended on 2027-01-13.'],
  ])('%s', async (_name, days, line) => {
    // Nobody listens there.
    const { output } = await doctor({
      arguments: ['doctor', 'https://127.0.0.1:1'],
      certificateEnd: async () => (T + days * DAY) * 1000,
    });
    expect(output.split('\n')).toContain(line);
  });
});

describe('a JWT', () => {
  it('is told by its profile, and refused by its time', async () => {
    const token = jwtAccessToken(op, { claims: { exp: T - 3600 } });
    const { code, output } = await doctor({ arguments: ['doctor', op.issuer, '--token', token] });
    expect(output).not.toContain(token);
    expect({ code, output }).toEqual({
      code: 1,
      output: `${op.issuer}

Server
${SERVER}

Token
  ok       It has ${token.length} characters, which every proxy takes.
  note     It is a JWT for resourceServer.accessTokens: 'rfc9068', 'keycloak', 'pingone', 'generic'; validation 'jwt' or 'auto'.
  problem  The token does not verify. EXPIRED: The access token is expired. (exp: 2027-01-15T07:00:00.000Z, now: 2027-01-15T08:00:00.000Z) [TOKEN_EXPIRED]

1 problem, 1 warning.`,
    });
  });

  it('is too long for servers', async () => {
    const { code, output } = await doctor({ arguments: ['doctor', op.issuer, '--token', 'a'.repeat(16_385)] });
    expect({ code, problems: problemsIn(output) }).toEqual({
      code: 1,
      problems: ['  problem  It has 16385 characters; at most 16384 are read, and Node takes 16 KB of headers.'],
    });
  });
});

it('examines oidc-provider, and a token of it', async () => {
  const real = closeLater(await RealProvider.start());
  const client = CLIENT;
  real.register(client);
  const { code, output } = await diagnose(
    { issuer: real.issuer, client },
    {
      arguments: ['--token', '-'],
      input: await real.clientCredentials('orders:read'),
      issuer: real.issuer,
      now: Date.now,
    },
  );
  expect({ code, output }).toEqual({
    code: 0,
    output: `${real.issuer}

Server
  ok       It publishes its metadata.
  note     It has: login, PKCE (S256), userinfo, introspection, signed introspection, revocation, logout, back-channel logout, pushed authorization requests, DPoP, device authorization, iss in responses.
  note     It does not say that it has: certificate-bound tokens.
  ok       It publishes its keys.
  ok       Its clock and ours agree.
  warning  It speaks plain http, which is for development only.

Configuration
  ok       The server takes the client's credentials.
  ok       It fits the server.

Token
  ok       It has 43 characters, which every proxy takes.
  note     It is opaque: resourceServer.validation 'introspection' and 'auto' take it.
  ok       It is good, with the scopes orders:read.

0 problems, 1 warning.`,
  });
});

it('takes a token that begins with a hyphen, as an option does', async () => {
  const { code, output } = await doctor({ arguments: ['doctor', op.issuer, '--token', '-abc', '--json'] });
  expect({ code, last: JSON.parse(output).sections.at(-1).lines.at(-1) }).toEqual({
    code: 0,
    last: {
      level: 'note',
      text: 'Only the server can tell whether it is good: give --config with the client and its secret.',
    },
  });
});

it('shows its options where they are asked for', async () => {
  const { code, output } = await doctor({ arguments: ['--help'] });
  expect({ code, first: output.split('\n')[0] }).toEqual({ code: 0, first: 'nestjs-oidc doctor [issuer] [options]' });
});
