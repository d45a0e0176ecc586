import { describe, expect, it } from '@jest/globals';

import { ConfigError } from '../../lib/errors/errors.js';
import { profiledMetadata } from '../../lib/metadata/profiled-server.js';
import { parseClientMetadata } from '../../lib/metadata/registered-client.js';
import { securityProfile, type SecurityProfileName } from '../../lib/metadata/security-profiles.js';
import type { ServerMetadata } from '../../lib/metadata/server-metadata.js';
import { fapiClient, type Members } from '../support/client/fapi-client.js';

const SECURITY = 'fapi2-security';
const FAPI1 = 'fapi1-advanced';

const SP = 'FAPI 2.0 Security Profile, section';

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
  it('D19 that takes no assertion of the profile is refused with the rule and its section', () => {
    const api = { redirect_uris: undefined, authorization_signed_response_alg: undefined };
    const list = 'token_endpoint_auth_signing_alg_values_supported';
    expect(serverFault(SECURITY, { [list]: ['RS256'] }, api)).toBe(
      `server.${list}: does not hold PS256, ES256, EdDSA or Ed25519 (fapi2-security, algorithms: ${SP} 5.4.1, item 1)`,
    );
    expect(serverFault(SECURITY, { [list]: ['RS256', 'ES256'] }, api)).toBeUndefined();
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
