import { describe, expect, it } from '@jest/globals';

import { ConfigError } from '../../lib/errors/errors.js';
import { profiledMetadata } from '../../lib/metadata/profiled-server.js';
import { parseClientMetadata } from '../../lib/metadata/registered-client.js';
import { securityProfile, type SecurityProfileName } from '../../lib/metadata/security-profiles.js';
import type { ServerMetadata } from '../../lib/metadata/server-metadata.js';
import { fapiClient, type Members } from '../support/client/fapi-client.js';

const SECURITY = 'fapi2-security';
const SIGNING = 'fapi2-message-signing';
const FAPI1 = 'fapi1-advanced';

const SP = 'FAPI 2.0 Security Profile, section';
const MS = 'FAPI 2.0 Message Signing, section';
const PART2 = 'FAPI 1.0 Part 2: Advanced, section';

/** What a server publishes that keeps each security profile. */
const published = (members: Members = {}): ServerMetadata =>
  JSON.parse(
    JSON.stringify({
      issuer: 'https://op.test',
      authorization_endpoint: 'https://op.test/authorize',
      pushed_authorization_request_endpoint: 'https://op.test/par',
      authorization_response_iss_parameter_supported: true,
      tls_client_certificate_bound_access_tokens: true,
      ...members,
    }),
  );

const serverFault = (profile: SecurityProfileName, members: Members, registered: Members = {}): string | undefined => {
  const kept = securityProfile(profile);
  const { metadata } = parseClientMetadata(fapiClient(registered), kept);
  return problemOf(() => kept && profiledMetadata(published(members), { profile: kept, client: metadata }));
};

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

describe('a server', () => {
  it.each<
    [rule: string, profile: SecurityProfileName, breaks: Members, fault: string, keeps: Members, client?: Members]
  >([
    [
      'B12 without PAR',
      SECURITY,
      { pushed_authorization_request_endpoint: undefined },
      `server.pushed_authorization_request_endpoint: is not published by the server (fapi2-security, pushed authorization requests: ${SP} 5.3.2.2, item 2)`,
      {},
    ],
    [
      'without the code flow',
      SECURITY,
      { response_types_supported: ['id_token'] },
      `server.response_types_supported: does not hold code (fapi2-security, response type: ${SP} 5.3.2.2, item 1)`,
      { response_types_supported: ['id_token', 'code'] },
    ],
    [
      'without the hybrid flow',
      FAPI1,
      { response_types_supported: ['code'] },
      `server.response_types_supported: does not hold code id_token (fapi1-advanced, response type: ${PART2} 5.2.2, item 2)`,
      { response_types_supported: ['code', 'code id_token'] },
      { authorization_signed_response_alg: undefined },
    ],
    [
      'C7 that does not name itself in its responses',
      SECURITY,
      { authorization_response_iss_parameter_supported: undefined },
      `server.authorization_response_iss_parameter_supported: is not true (fapi2-security, issuer in the authorization response: ${SP} 5.3.2.2, item 7)`,
      {},
      { authorization_signed_response_alg: undefined },
    ],
    [
      'without PKCE by SHA-256',
      SECURITY,
      { code_challenge_methods_supported: ['plain'] },
      `server.code_challenge_methods_supported: does not hold S256 (fapi2-security, PKCE: ${SP} 5.3.2.2, item 5)`,
      { code_challenge_methods_supported: ['plain', 'S256'] },
    ],
    [
      'without PKCE by SHA-256 in FAPI 1.0',
      FAPI1,
      { code_challenge_methods_supported: ['plain'] },
      `server.code_challenge_methods_supported: does not hold S256 (fapi1-advanced, PKCE: ${PART2} 5.2.2, item 18)`,
      {},
    ],
    [
      'without signed responses',
      SIGNING,
      { response_modes_supported: ['query', 'form_post'] },
      `server.response_modes_supported: does not hold jwt (fapi2-message-signing, signed authorization response: ${MS} 5.4.1, item 1)`,
      { response_modes_supported: ['query', 'jwt'] },
    ],
    [
      'without signed responses in FAPI 1.0',
      FAPI1,
      { response_modes_supported: ['query', 'form_post'] },
      `server.response_modes_supported: does not hold jwt (fapi1-advanced, signed authorization response: ${PART2} 5.2.2.2, item 1)`,
      { response_modes_supported: ['jwt'] },
    ],
    [
      'D19 that signs ID tokens with RS256 alone',
      SECURITY,
      { id_token_signing_alg_values_supported: ['RS256', 'none'] },
      `server.id_token_signing_alg_values_supported: does not hold PS256, ES256, EdDSA or Ed25519 (fapi2-security, algorithms: ${SP} 5.4.1, item 1)`,
      { id_token_signing_alg_values_supported: ['RS256', 'PS256'] },
    ],
    [
      'that signs ID tokens with EdDSA alone',
      FAPI1,
      { id_token_signing_alg_values_supported: ['EdDSA'] },
      `server.id_token_signing_alg_values_supported: does not hold PS256 or ES256 (fapi1-advanced, algorithms: ${PART2} 8.6)`,
      { id_token_signing_alg_values_supported: ['EdDSA', 'ES256'] },
    ],
    [
      'that takes assertions with RS256 alone',
      SECURITY,
      { token_endpoint_auth_signing_alg_values_supported: ['RS256'] },
      `server.token_endpoint_auth_signing_alg_values_supported: does not hold PS256, ES256, EdDSA or Ed25519 (fapi2-security, algorithms: ${SP} 5.4.1, item 1)`,
      { token_endpoint_auth_signing_alg_values_supported: ['ES256'] },
    ],
    [
      'that takes request objects with RS256 alone',
      SIGNING,
      { request_object_signing_alg_values_supported: ['RS256'] },
      `server.request_object_signing_alg_values_supported: does not hold PS256, ES256, EdDSA or Ed25519 (fapi2-message-signing, algorithms: ${SP} 5.4.1, item 1)`,
      { request_object_signing_alg_values_supported: ['ES256', 'RS256'] },
    ],
    [
      'F10 that takes proofs with RS256 alone',
      SECURITY,
      { dpop_signing_alg_values_supported: ['RS256'] },
      `server.dpop_signing_alg_values_supported: does not hold PS256, ES256, EdDSA or Ed25519 (fapi2-security, algorithms: ${SP} 5.4.1, item 1)`,
      { dpop_signing_alg_values_supported: ['EdDSA'] },
    ],
    [
      'that binds no token to a certificate',
      SECURITY,
      { tls_client_certificate_bound_access_tokens: undefined },
      `server.tls_client_certificate_bound_access_tokens: is not true (fapi2-security, sender-constrained access tokens: ${SP} 5.3.2.1, item 5)`,
      {},
      { tls_client_certificate_bound_access_tokens: true },
    ],
    [
      'that binds no token to a certificate in FAPI 1.0',
      FAPI1,
      { tls_client_certificate_bound_access_tokens: false },
      `server.tls_client_certificate_bound_access_tokens: is not true (fapi1-advanced, sender-constrained access tokens: ${PART2} 5.2.2, item 6)`,
      {},
    ],
  ])('%s (%s)', (...[, profile, breaks, fault, keeps, registered]) => {
    expect(serverFault(profile, breaks, registered)).toBe(fault);
    expect(serverFault(profile, keeps, registered)).toBeUndefined();
  });

  it('says itself in a signed response where it is, and may leave the parameter out', () => {
    expect(serverFault(SECURITY, { authorization_response_iss_parameter_supported: undefined })).toBeUndefined();
  });

  it('is held to nothing about logins where nobody logs in', () => {
    const api = { redirect_uris: undefined, authorization_signed_response_alg: undefined };
    const server = {
      pushed_authorization_request_endpoint: undefined,
      authorization_response_iss_parameter_supported: undefined,
      response_types_supported: [],
      id_token_signing_alg_values_supported: ['RS256'],
    };
    expect(serverFault(SECURITY, server, api)).toBeUndefined();
  });

  it('is read with the algorithms of the profile alone', () => {
    const profile = securityProfile(FAPI1);
    const narrowed = (members: Members): Members | undefined =>
      profile && profiledMetadata(published(members), { profile, client: undefined });
    expect(
      narrowed({
        id_token_signing_alg_values_supported: ['RS256', 'ES256', 'EdDSA'],
        userinfo_signing_alg_values_supported: ['RS256'],
        dpop_signing_alg_values_supported: ['ES512', 'ES256'],
      }),
    ).toMatchObject({
      id_token_signing_alg_values_supported: ['ES256'],
      userinfo_signing_alg_values_supported: [],
      introspection_signing_alg_values_supported: ['PS256', 'ES256'],
      dpop_signing_alg_values_supported: ['ES256'],
    });
    expect(narrowed({})).toMatchObject({
      id_token_signing_alg_values_supported: ['PS256', 'ES256'],
      userinfo_signing_alg_values_supported: undefined,
      dpop_signing_alg_values_supported: ['PS256', 'ES256'],
    });
  });
});
