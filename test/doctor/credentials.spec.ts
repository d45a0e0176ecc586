import { beforeEach, describe, expect, it } from '@jest/globals';

import { AUDIENCE } from '../support/app/apps.js';
import { CLIENT, problemsIn, providerWithDate, sectionOf, startDoctor } from '../support/doctor.js';
import { jwtAccessToken } from '../support/tokens/access-token.js';

type Started = Awaited<ReturnType<typeof startDoctor>>;

let op: Started['op'];
let diagnose: Started['diagnose'];

beforeEach(async () => {
  ({ op, diagnose } = await startDoctor());
});

const WRONG = { ...CLIENT, client_secret: 'not-the-secret-that-is-registered-there' };

const FITS = '  ok       It fits the server.';
const TAKEN = "  ok       The server takes the client's credentials.";
const UNTRIED =
  "  note     The client's credentials were not tried: only an introspection tries them, and this API makes none.";

/** What is said of the configuration. */
async function configured(options: object, more: Parameters<typeof diagnose>[1] = {}): Promise<readonly string[]> {
  const { output } = await diagnose(options, more);
  expect(output).not.toContain(WRONG.client_secret);
  return sectionOf(output, 'Configuration');
}

const introspections = () => op.requests().filter(({ endpoint }) => endpoint === 'introspect');

describe('the credentials of an API that introspects', () => {
  it('are tried by asking about a random token that nobody issued', async () => {
    expect(await configured({})).toEqual([TAKEN, FITS]);
    expect(await configured({ resourceServer: { audience: AUDIENCE, validation: 'auto' } })).toEqual([TAKEN, FITS]);
    const tokens = introspections().map(({ form }) => form['token']);
    expect(tokens).toEqual([expect.stringMatching(/^[\w-]{43}$/), expect.stringMatching(/^[\w-]{43}$/)]);
    expect(new Set(tokens).size).toBe(2);
  });

  it('are wrong', async () => {
    const { code, output } = await diagnose({ client: WRONG });
    expect({ code, lines: sectionOf(output, 'Configuration') }).toEqual({
      code: 1,
      lines: [
        `  problem  The server's introspection_endpoint does not accept this client as it is configured: invalid_client. (error: invalid_client, url: ${op.issuer}/introspect, status: 401, content_type: application/json) Compare client_id, client_secret and the authentication method with what is registered. [CLIENT_MISCONFIGURED]`,
      ],
    });
  });

  it('are wrong, which is said once where a token is asked about too, of whatever kind', async () => {
    for (const token of [op.issue({ aud: AUDIENCE }), jwtAccessToken(op)]) {
      const { output } = await diagnose(
        { client: WRONG, resourceServer: { audience: AUDIENCE, validation: 'introspection' } },
        { arguments: ['--token', '-'], input: token },
      );
      expect(problemsIn(output)).toEqual([
        `  problem  The server's introspection_endpoint does not accept this client as it is configured: invalid_client. (error: invalid_client, url: ${op.issuer}/introspect, status: 401, content_type: application/json) Compare client_id, client_secret and the authentication method with what is registered. [CLIENT_MISCONFIGURED]`,
      ]);
    }
  });

  it('can not be told where the server refuses the made-up token itself', async () => {
    op.answer('introspect', { status: 400, body: { error: 'invalid_request' } });
    expect(await configured({})).toEqual([
      "  note     The server refuses a token that nobody issued by invalid_request: whether it takes the client's credentials can not be told.",
      FITS,
    ]);
  });

  it('say nothing of a server to which every token is good', async () => {
    op.introspectionResponse({ body: () => ({ active: true, aud: AUDIENCE, iss: op.issuer }) });
    expect(await configured({})).toEqual(['  problem  The server says that a token is active which nobody issued.']);
  });

  it('are verified as the answers to the API are', async () => {
    const signed = { ...CLIENT, introspection_signed_response_alg: 'ES256' };
    op.register(signed);
    op.introspectionResponse({ claims: (claims) => ({ ...claims, aud: AUDIENCE }) });
    expect(await configured({ client: signed })).toEqual([TAKEN, FITS]);
    op.introspectionResponse({ as: 'json' });
    expect(await configured({ client: signed })).toEqual([
      '  problem  The introspection response is registered as signed; this one is not. [SIGNED_RESPONSE_REQUIRED]',
    ]);
  });

  it('are not tried while something else is wrong, or while the server does not answer', async () => {
    op.answer('jwks', { status: 429, body: '' });
    expect(await configured({})).toEqual([
      "  note     The client's credentials were not tried while the server does not answer.",
      FITS,
    ]);
    op.heal();
    op.discovery((document) => ({ ...document, introspection_endpoint_auth_methods_supported: ['private_key_jwt'] }));
    expect(await configured({})).toHaveLength(1);
    expect(introspections()).toEqual([]);
  });
});

describe('the credentials of a client that introspects nothing', () => {
  it('are not tried', async () => {
    expect(await configured({ resourceServer: undefined, client: WRONG })).toEqual([UNTRIED, FITS]);
    expect(await configured({ resourceServer: { audience: AUDIENCE, validation: 'jwt' } })).toEqual([UNTRIED, FITS]);
    op.discovery(({ introspection_endpoint: _, ...document }) => document);
    expect(await configured({ resourceServer: { audience: AUDIENCE, validation: 'auto' } })).toEqual([UNTRIED, FITS]);
    expect(introspections()).toEqual([]);
  });

  it('are no word worth where it has none', async () => {
    const open = { client_id: 'rp1', redirect_uris: CLIENT.redirect_uris, token_endpoint_auth_method: 'none' };
    expect(await configured({ resourceServer: undefined, client: open })).toEqual([FITS]);
  });
});

it('mounted routes are said to be checked at the boot only', async () => {
  expect(await configured({ routes: true })).toEqual([
    '  note     The mounted routes are checked at the boot only.',
    TAKEN,
    FITS,
  ]);
});

it('another issuer gets no made-up token', async () => {
  const other = await providerWithDate();
  await configured({ resourceServer: { audience: AUDIENCE, issuers: [{ issuer: other.issuer }] } });
  expect(other.requests().map(({ endpoint }) => endpoint)).not.toContain('introspect');
});
