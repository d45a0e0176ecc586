import { describe, expect, it } from '@jest/globals';

import { ConfigError } from '../../lib/errors/errors.js';
import type { SecurityProfileName } from '../../lib/metadata/security-profiles.js';
import { parseOptions, type OidcModuleOptions } from '../../lib/module/oidc.options.js';
import { clientJwks, fapiClient, type Members } from '../support/client/fapi-client.js';

const SECURITY = 'fapi2-security';
const SIGNING = 'fapi2-message-signing';
const FAPI1 = 'fapi1-advanced';

const SP = 'FAPI 2.0 Security Profile, section';
const MS = 'FAPI 2.0 Message Signing, section';
const PART1 = 'FAPI 1.0 Part 1: Baseline, section';
const PART2 = 'FAPI 1.0 Part 2: Advanced, section';

/** Options that keep each security profile, of an application that is an API alone. */
const options = (members: Members = {}, registered: Members = {}): OidcModuleOptions => ({
  issuer: 'https://op.test',
  client: {
    client_id: 'rp1',
    jwks: clientJwks('P-256'),
    introspection_signed_response_alg: 'ES256',
    ...registered,
  },
  ...members,
});

const optionFault = (profile: SecurityProfileName, members: Members, registered: Members = {}): string | undefined =>
  problemOf(() => parseOptions({ ...options(members, registered), profile }));

function problemOf(work: () => unknown): string | undefined {
  try {
    work();
  } catch (error) {
    if (error instanceof ConfigError) {
      return error.message;
    }
    throw error;
  }
  return undefined;
}

describe('options', () => {
  const login = { client: fapiClient() };
  const api = (members: Members = {}): Members => ({
    resourceServer: { audience: 'https://api.test', resource: 'https://api.test', ...members },
  });
  const fapi1Api = (members: Members = {}): Members => ({
    resourceServer: { audience: 'https://api.test', mtls: {}, ...members },
  });

  it.each<[rule: string, profile: SecurityProfileName, breaks: Members, fault: string, keeps: Members]>([
    [
      'plain http',
      SECURITY,
      { insecureHttp: true },
      `insecureHttp: must not be true (fapi2-security, TLS: ${SP} 5.2.1, item 1)`,
      { insecureHttp: false },
    ],
    [
      'plain http in FAPI 1.0',
      FAPI1,
      { insecureHttp: true },
      `insecureHttp: must not be true (fapi1-advanced, TLS: ${PART2} 8.5)`,
      {},
    ],
    [
      'an endpoint from elsewhere than the document',
      SECURITY,
      { server: { token_endpoint: 'https://elsewhere.test/token' } },
      `server.token_endpoint: must be what the server publishes (fapi2-security, metadata of the server: ${SP} 5.3.3.1, item 9)`,
      { server: { authorization_response_iss_parameter_supported: true } },
    ],
    [
      'metadata without a document',
      FAPI1,
      { server: { issuer: 'https://op.test' } },
      `server.issuer: must be what the server publishes (fapi1-advanced, metadata of the server: ${PART1} 5.2.3, item 11)`,
      { server: {} },
    ],
    [
      'an API that knows no binding',
      SECURITY,
      api({ resource: undefined }),
      `resourceServer.resource: must be set for DPoP, or mtls (fapi2-security, sender-constrained access tokens at the API: ${SP} 5.3.4, item 5)`,
      api({ resource: undefined, mtls: {} }),
    ],
    [
      'an API of FAPI 1.0 without certificates',
      FAPI1,
      api(),
      `resourceServer.mtls: must be set (fapi1-advanced, sender-constrained access tokens at the API: ${PART2} 8.2)`,
      fapi1Api(),
    ],
    [
      'an API of FAPI 1.0 with DPoP',
      FAPI1,
      fapi1Api({ dpop: {}, resource: 'https://api.test' }),
      `resourceServer.dpop: must not be set (fapi1-advanced, sender-constrained access tokens at the API: ${PART2} 8.2)`,
      fapi1Api(),
    ],
    [
      'RS256 for access tokens',
      SECURITY,
      api({ algorithms: ['PS256', 'RS256'] }),
      `resourceServer.algorithms: must hold nothing but PS256, ES256, EdDSA or Ed25519 (fapi2-security, algorithms at the API: ${SP} 5.4.1, item 1)`,
      api({ algorithms: ['PS256'] }),
    ],
    [
      'a signed response by another response mode',
      SIGNING,
      { ...login, login: { responseMode: 'form_post.jwt' } },
      `login.responseMode: must be jwt (fapi2-message-signing, response mode: ${MS} 5.4.2, item 1)`,
      { ...login, login: { responseMode: 'jwt' } },
    ],
    [
      'a signed response by another response mode in FAPI 1.0',
      FAPI1,
      { ...login, login: { responseMode: 'query.jwt' } },
      `login.responseMode: must be jwt (fapi1-advanced, response mode: ${PART2} 5.2.2, item 2)`,
      login,
    ],
    [
      'R8 RS256 for proofs',
      SIGNING,
      api({ dpop: { algorithms: ['RS256'] } }),
      `resourceServer.dpop.algorithms: must hold nothing but PS256, ES256, EdDSA or Ed25519 (fapi2-message-signing, algorithms at the API: ${SP} 5.4.1, item 1)`,
      api({ dpop: { algorithms: ['ES256'] } }),
    ],
    [
      'RS256 for access tokens in FAPI 1.0',
      FAPI1,
      fapi1Api({ algorithms: ['RS256'] }),
      `resourceServer.algorithms: must hold nothing but PS256 or ES256 (fapi1-advanced, algorithms at the API: ${PART2} 8.6)`,
      fapi1Api({ algorithms: ['PS256', 'ES256'] }),
    ],
  ])('%s (%s)', (_, profile, breaks, fault, keeps) => {
    expect(optionFault(profile, breaks)).toBe(fault);
    expect(optionFault(profile, keeps)).toBeUndefined();
  });

  it.each<[rule: string, validation: string]>([
    ['introspection', 'introspection'],
    ['introspection of some tokens', 'auto'],
  ])('an API whose %s is not signed (fapi2-message-signing)', (_, validation) => {
    const unsigned = { introspection_signed_response_alg: undefined };
    expect(optionFault(SIGNING, api({ validation }), unsigned)).toBe(
      `client.introspection_signed_response_alg: must be registered (fapi2-message-signing, signed introspection: ${MS} 5.5.2, item 1)`,
    );
    expect(optionFault(SIGNING, api({ validation }))).toBeUndefined();
    expect(optionFault(SIGNING, api({ validation: 'jwt' }), unsigned)).toBeUndefined();
    expect(optionFault(SECURITY, api({ validation }), unsigned)).toBeUndefined();
  });

  it('holds the client at another issuer to the profile too', () => {
    const other = { issuer: 'https://other.test', client: { client_id: 'rp2', client_secret: 's'.repeat(32) } };
    const { resourceServer } = api({ issuers: [other] });
    expect(optionFault(SECURITY, { resourceServer })).toBe(
      'resourceServer.issuers.0.client.token_endpoint_auth_method: ' +
        'must be private_key_jwt, tls_client_auth or self_signed_tls_client_auth ' +
        `(fapi2-security, client authentication: ${SP} 5.3.3.1, item 2)`,
    );
    const keeping = { ...other, client: { client_id: 'rp2', jwks: clientJwks('P-256') } };
    expect(optionFault(SECURITY, api({ issuers: [keeping] }))).toBeUndefined();
  });

  it('refuses a profile that is none', () => {
    const unknown = JSON.parse(JSON.stringify({ ...options(), profile: 'fapi3' }));
    expect(problemOf(() => parseOptions(unknown))).toMatch(/^profile: /);
  });

  it.each<[api: string, profile: SecurityProfileName, written: Members, read: Members]>([
    [
      'proofs are required, as the profile has them, where nothing is said',
      SECURITY,
      api(),
      {
        algorithms: ['PS256', 'ES256', 'EdDSA', 'Ed25519'],
        dpop: { required: true, algorithms: ['PS256', 'ES256', 'EdDSA', 'Ed25519'] },
        mtls: undefined,
        isBindingRequired: true,
      },
    ],
    [
      'what is said stays',
      SECURITY,
      api({ algorithms: ['PS256'], dpop: { algorithms: ['ES256'] } }),
      { algorithms: ['PS256'], dpop: { required: true, algorithms: ['ES256'] }, isBindingRequired: true },
    ],
    [
      'certificates are required where there are no proofs',
      SECURITY,
      api({ mtls: {} }),
      { dpop: undefined, mtls: { required: true }, isBindingRequired: true },
    ],
    [
      'either of both is enough',
      SECURITY,
      api({ dpop: {}, mtls: {} }),
      { dpop: { required: false }, mtls: { required: false }, isBindingRequired: true },
    ],
    [
      'FAPI 1.0 has certificates alone',
      FAPI1,
      fapi1Api(),
      { algorithms: ['PS256', 'ES256'], dpop: undefined, mtls: { required: true }, isBindingRequired: true },
    ],
  ])('of an API: %s (%s)', (_, profile, written, read) => {
    const { resourceServer } = parseOptions({ ...options(written), profile });
    expect(resourceServer).toMatchObject(read);
  });
});
