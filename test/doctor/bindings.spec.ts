import { beforeEach, describe, expect, it } from '@jest/globals';

import { AUDIENCE } from '../support/app/apps.js';
import { T } from '../support/clock.js';
import { clientOf } from '../support/client/client.js';
import { closeLater } from '../support/closing.js';
import { CLIENT, problemsIn, sectionOf, startDoctor } from '../support/doctor.js';
import { RealProvider } from '../support/provider/real-provider.js';
import { jwtAccessToken } from '../support/tokens/access-token.js';

type Started = Awaited<ReturnType<typeof startDoctor>>;

let op: Started['op'];
let diagnose: Started['diagnose'];

beforeEach(async () => {
  ({ op, diagnose } = await startDoctor());
});

const TAKEN = "  ok       The server takes the client's credentials.";
const FITS = '  ok       It fits the server.';
const JKT = 'a'.repeat(43);

/** What is said of the configuration. */
async function configured(options: object): Promise<readonly string[]> {
  const { output } = await diagnose(options);
  return sectionOf(output, 'Configuration');
}

describe('a client whose tokens are bound to keys', () => {
  const bound = { client: { ...CLIENT, dpop_bound_access_tokens: true } };

  it('fits a server that lists an algorithm of its proofs', async () => {
    op.discovery((document) => ({ ...document, dpop_signing_alg_values_supported: ['ES256K', 'ES256'] }));
    expect(await configured(bound)).toEqual([TAKEN, FITS]);
  });

  it('does not fit one that lists others', async () => {
    op.discovery((document) => ({ ...document, dpop_signing_alg_values_supported: ['ES256K'] }));
    expect(await configured(bound)).toEqual([
      '  problem  client.dpop_bound_access_tokens can not be kept: the server takes no algorithm of proofs that is built (RFC 9449, section 5.1) [INVALID_CONFIG]',
    ]);
  });

  it('is warned where the server says nothing', async () => {
    op.discovery(({ dpop_signing_alg_values_supported: _, ...document }) => document);
    expect(await configured(bound)).toEqual([
      '  warning  client.dpop_bound_access_tokens: the server does not say that it binds tokens to a key (dpop_signing_alg_values_supported; RFC 9449, section 5.1).',
      TAKEN,
      FITS,
    ]);
  });
});

describe('a client with a certificate', () => {
  const certified = {
    client: { client_id: 'rp1', redirect_uris: CLIENT.redirect_uris, token_endpoint_auth_method: 'tls_client_auth' },
  };

  it('is told who shows it, and where', async () => {
    op.discovery((document) => ({
      ...document,
      token_endpoint_auth_methods_supported: ['tls_client_auth'],
      introspection_endpoint_auth_methods_supported: ['tls_client_auth'],
      mtls_endpoint_aliases: { token_endpoint: `${op.issuer}/mtls/token` },
    }));
    expect(await configured(certified)).toEqual([
      '  note     The client needs a certificate (tls_client_auth), which the dispatcher in OIDC_DISPATCHER has to show. The doctor shows none.',
      '  note     The certificate goes to mtls_endpoint_aliases for token_endpoint; other endpoints are the usual ones (RFC 8705, section 5).',
      FITS,
    ]);
  });

  it('is told of a server without aliases, that does not bind tokens or takes another method', async () => {
    op.discovery((document) => ({
      ...document,
      token_endpoint_auth_methods_supported: ['private_key_jwt'],
      introspection_endpoint_auth_methods_supported: undefined,
    }));
    expect(
      await configured({ client: { ...certified.client, tls_client_certificate_bound_access_tokens: true } }),
    ).toEqual([
      '  problem  client.token_endpoint_auth_method is not among the methods of the server (RFC 8414, section 2) [AUTH_METHOD_UNSUPPORTED]',
      '  warning  client.tls_client_certificate_bound_access_tokens: the server does not say that it binds tokens to a certificate (tls_client_certificate_bound_access_tokens; RFC 8705, section 3.3).',
      '  note     The client needs a certificate (tls_client_auth, tls_client_certificate_bound_access_tokens), which the dispatcher in OIDC_DISPATCHER has to show. The doctor shows none.',
      '  note     The server has no mtls_endpoint_aliases: its usual endpoints have to ask for the certificate (RFC 8705, section 5).',
    ]);
  });

  it('can not ask about an opaque token here', async () => {
    const { output } = await diagnose(certified, { arguments: ['--token', op.issue({ aud: AUDIENCE })] });
    expect(sectionOf(output, 'Token')).toEqual([
      '  ok       It has 43 characters, which every proxy takes.',
      "  note     It is opaque: resourceServer.validation 'introspection' and 'auto' take it.",
      '  note     Only the server can tell whether it is good, and asks for a certificate that the doctor has not.',
    ]);
  });
});

describe('an API that takes bound tokens', () => {
  const api = { audience: AUDIENCE, resource: AUDIENCE };

  it('is warned where they are required and the server does not say that it binds any', async () => {
    op.discovery(({ dpop_signing_alg_values_supported: _, ...document }) => document);
    expect(
      await configured({ resourceServer: { ...api, dpop: { required: true }, mtls: { required: true } } }),
    ).toEqual([
      '  warning  resourceServer.dpop.required refuses every other token, and the server does not say that it binds tokens to a key (dpop_signing_alg_values_supported; RFC 9449, section 5.1).',
      '  warning  resourceServer.mtls.required refuses every other token, and the server does not say that it binds tokens to a certificate (tls_client_certificate_bound_access_tokens; RFC 8705, section 3.3).',
      TAKEN,
      FITS,
    ]);
  });

  it('needs its own URL, as the boot says', async () => {
    expect(await configured({ resourceServer: { audience: AUDIENCE, dpop: {} } })).toEqual([
      '  problem  resourceServer.resource: is required by resourceServer.dpop [INVALID_CONFIG]',
    ]);
  });
});

describe('a token that is bound', () => {
  const SHAPE = [
    '  ok       It has 43 characters, which every proxy takes.',
    "  note     It is opaque: resourceServer.validation 'introspection' and 'auto' take it.",
  ];
  const GOOD = '  ok       It is good, with no scopes.';

  async function told(members: object, resourceServer: object): Promise<readonly string[]> {
    op.introspectionResponse({ body: (right) => ({ ...right, scope: undefined, ...members }) });
    const token = op.issue({ aud: AUDIENCE });
    const { output } = await diagnose(
      { resourceServer: { audience: AUDIENCE, ...resourceServer } },
      { arguments: ['--token', '-'], input: token },
    );
    expect(output).not.toContain(token);
    expect(output).not.toContain(JKT);
    const lines = sectionOf(output, 'Token');
    expect(lines.slice(0, 3)).toEqual([...SHAPE, GOOD]);
    return lines.slice(3);
  }

  it('to a key says how it is sent, and what the API lacks', async () => {
    const sent =
      '  note     It is bound to a key (cnf.jkt): it has to be sent with Authorization: DPoP, and with a proof of the key.';
    expect(await told({ cnf: { jkt: JKT } }, { dpop: {}, resource: AUDIENCE })).toEqual([sent]);
    expect(await told({ cnf: { jkt: JKT } }, {})).toEqual([
      sent,
      '  problem  It is bound to a key, and resourceServer.dpop is not set: the API refuses it. [TOKEN_BINDING]',
    ]);
  });

  it('to a certificate says how it is sent, and what the API lacks', async () => {
    const sent =
      '  note     It is bound to a certificate (cnf.x5t#S256): it has to be sent with Authorization: Bearer, over TLS with the certificate.';
    expect(await told({ cnf: { 'x5t#S256': JKT } }, { mtls: {} })).toEqual([sent]);
    expect(await told({ cnf: { 'x5t#S256': JKT } }, {})).toEqual([
      sent,
      '  problem  It is bound to a certificate, and resourceServer.mtls is not set: the API refuses it. [TOKEN_BINDING]',
    ]);
  });

  it('to nothing, or in an unknown way, is refused', async () => {
    expect(await told({}, { dpop: { required: true }, resource: AUDIENCE })).toEqual([
      '  problem  It is bound to no key, and resourceServer.dpop.required is set. [TOKEN_BINDING]',
    ]);
    expect(await told({}, { mtls: { required: true } })).toEqual([
      '  problem  It is bound to no certificate, and resourceServer.mtls.required is set. [TOKEN_BINDING]',
    ]);
    expect(await told({ cnf: { kid: 'k' } }, {})).toEqual([
      '  problem  The token is bound in a way that is not understood. [TOKEN_BINDING]',
    ]);
  });

  it('is told of, even where it is expired', async () => {
    const token = jwtAccessToken(op, { claims: { exp: T - 3600, cnf: { jkt: JKT } } });
    const { output } = await diagnose(
      { resourceServer: { audience: AUDIENCE, validation: 'jwt' } },
      { arguments: ['--token', token] },
    );
    expect(problemsIn(output)).toEqual([
      '  problem  The token does not verify. EXPIRED: The access token is expired. (exp: 2027-01-15T07:00:00.000Z, now: 2027-01-15T08:00:00.000Z) [TOKEN_EXPIRED]',
      '  problem  It is bound to a key, and resourceServer.dpop is not set: the API refuses it. [TOKEN_BINDING]',
    ]);
  });
});

it('tells of a token that oidc-provider has bound to a key', async () => {
  const real = closeLater(await RealProvider.start());
  const metadata = { dpop_bound_access_tokens: true, grant_types: ['client_credentials'] };
  const { oidc } = clientOf(real, { metadata });
  const { access_token } = await oidc.clientToken({ scope: 'orders:read' });
  const { code, output } = await diagnose(
    {
      issuer: real.issuer,
      client: { ...CLIENT, ...metadata },
      session: undefined,
      resourceServer: { audience: AUDIENCE, resource: AUDIENCE, dpop: { required: true } },
    },
    { arguments: ['--token', '-'], input: access_token, issuer: real.issuer, now: Date.now },
  );
  expect({ code, token: sectionOf(output, 'Token').slice(2) }).toEqual({
    code: 0,
    token: [
      '  ok       It is good, with the scopes orders:read.',
      '  note     It is bound to a key (cnf.jkt): it has to be sent with Authorization: DPoP, and with a proof of the key.',
    ],
  });
});
