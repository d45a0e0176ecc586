import { describe, expect, it } from '@jest/globals';

import { clientFindings, parseClientMetadata } from '../../lib/metadata/registered-client.js';
import { securityProfile, type SecurityProfileName } from '../../lib/metadata/security-profiles.js';
import type { JsonObject } from '../../lib/values/json.js';
import { clientJwks, fapiClient, type Members } from '../support/client/fapi-client.js';

const SECURITY = 'fapi2-security';
const SIGNING = 'fapi2-message-signing';
const FAPI1 = 'fapi1-advanced';

const SP = 'FAPI 2.0 Security Profile, section';
const MS = 'FAPI 2.0 Message Signing, section';
const CIBA = 'FAPI-CIBA, section';
const PART1 = 'FAPI 1.0 Part 1: Baseline, section';
const PART2 = 'FAPI 1.0 Part 2: Advanced, section';

/** A private JWK of so many bits, which nobody can sign with. */
const rsa = (bits: number): JsonObject => {
  const n = Buffer.alloc(Math.ceil(bits / 8), 0xff);
  n[0] = 0xff >> (n.length * 8 - bits);
  return { kty: 'RSA', n: n.toString('base64url'), e: 'AQAB', d: 'AQAB' };
};
const curve = (bits: number): JsonObject => {
  const point = Buffer.alloc(bits / 8, 1).toString('base64url');
  return { kty: 'EC', crv: `P-${bits}`, x: point, y: point, d: point };
};

/** The findings about a client; of a short key there is one more, which is no profile's. */
const clientFaults = (profile: SecurityProfileName, members: Members): readonly string[] =>
  clientFindings(fapiClient(members), securityProfile(profile))
    .filter(({ rule }) => rule.startsWith('FAPI'))
    .map(({ member, problem }) => `${member}: ${problem}`);

describe('a client', () => {
  const secret = { client_secret: 's'.repeat(64) };
  const methods = 'private_key_jwt, tls_client_auth or self_signed_tls_client_auth';
  const fapi2 = 'PS256, ES256, EdDSA or Ed25519';

  it.each<[rule: string, profile: SecurityProfileName, breaks: Members, fault: string, keeps: Members]>([
    [
      'client_secret_basic',
      SECURITY,
      { ...secret, token_endpoint_auth_method: 'client_secret_basic' },
      `client.token_endpoint_auth_method: must be ${methods} (fapi2-security, client authentication: ${SP} 5.3.3.1, item 2)`,
      { ...secret, token_endpoint_auth_method: 'private_key_jwt' },
    ],
    [
      'a secret and no method',
      SIGNING,
      secret,
      `client.token_endpoint_auth_method: must be ${methods} (fapi2-message-signing, client authentication: ${SP} 5.3.3.1, item 2)`,
      {},
    ],
    [
      'client_secret_jwt',
      FAPI1,
      { ...secret, token_endpoint_auth_method: 'client_secret_jwt', token_endpoint_auth_signing_alg: 'PS256' },
      `client.token_endpoint_auth_method: must be ${methods} (fapi1-advanced, client authentication: ${PART2} 5.2.2, item 14)`,
      { token_endpoint_auth_method: 'tls_client_auth' },
    ],
    [
      'another method at one endpoint',
      SECURITY,
      { introspection_endpoint_auth_method: 'none' },
      `client.introspection_endpoint_auth_method: must be ${methods} (fapi2-security, client authentication: ${SP} 5.3.3.1, item 2)`,
      { introspection_endpoint_auth_method: 'self_signed_tls_client_auth' },
    ],
    [
      'RS256 for ID tokens',
      SECURITY,
      { id_token_signed_response_alg: 'RS256' },
      `client.id_token_signed_response_alg: must be ${fapi2} (fapi2-security, algorithms: ${SP} 5.4.1, item 1)`,
      { id_token_signed_response_alg: 'Ed25519' },
    ],
    [
      'no signature of ID tokens',
      SIGNING,
      { id_token_signed_response_alg: 'none' },
      `client.id_token_signed_response_alg: must be ${fapi2} (fapi2-message-signing, algorithms: ${SP} 5.4.1, item 1)`,
      { id_token_signed_response_alg: 'PS256' },
    ],
    [
      'EdDSA, which FAPI 1.0 does not have',
      FAPI1,
      { userinfo_signed_response_alg: 'EdDSA' },
      `client.userinfo_signed_response_alg: must be PS256 or ES256 (fapi1-advanced, algorithms: ${PART2} 8.6)`,
      { userinfo_signed_response_alg: 'PS256' },
    ],
    [
      'ES384 for request objects',
      SIGNING,
      { jwks: clientJwks('P-256', 'P-384'), request_object_signing_alg: 'ES384' },
      `client.request_object_signing_alg: must be ${fapi2} (fapi2-message-signing, algorithms: ${SP} 5.4.1, item 1)`,
      { request_object_signing_alg: 'ES256' },
    ],
    [
      'a key for other algorithms alone',
      SECURITY,
      { jwks: clientJwks('P-384') },
      `client.jwks: must hold a private key for ${fapi2} (fapi2-security, keys to sign with: ${SP} 5.4.1, item 1)`,
      { jwks: clientJwks('P-384', 'RSA') },
    ],
    [
      'no key for request objects',
      FAPI1,
      { jwks: undefined, token_endpoint_auth_method: 'tls_client_auth' },
      `client.jwks: must hold a private key for PS256 or ES256 (fapi1-advanced, keys to sign with: ${PART2} 8.6)`,
      { jwks: clientJwks('RSA'), token_endpoint_auth_method: 'tls_client_auth' },
    ],
    [
      'F19 an RSA key of 2047 bits',
      SECURITY,
      { jwks: { keys: [...clientJwks('P-256').keys, rsa(2047)] } },
      `client.jwks: must hold no RSA key below 2048 bits (fapi2-security, size of RSA keys: ${SP} 5.4.1, item 2)`,
      { jwks: { keys: [...clientJwks('P-256').keys, rsa(2048)] } },
    ],
    [
      'F19 an elliptic curve of 192 bits',
      SECURITY,
      { jwks: { keys: [...clientJwks('P-256').keys, curve(192)] } },
      `client.jwks: must hold no EC key below 224 bits (fapi2-security, size of elliptic curve keys: ${SP} 5.4.1, item 3)`,
      { jwks: { keys: [...clientJwks('P-256').keys, curve(224)] } },
    ],
    [
      'F19 an RSA key of 1024 bits',
      FAPI1,
      { jwks: { keys: [...clientJwks('P-256').keys, rsa(1024)] } },
      `client.jwks: must hold no RSA key below 2048 bits (fapi1-advanced, size of RSA keys: ${PART1} 5.2.4, item 2)`,
      { jwks: { keys: [...clientJwks('P-256').keys, rsa(2048)] } },
    ],
    [
      'F19 an elliptic curve of 112 bits',
      FAPI1,
      { jwks: { keys: [...clientJwks('P-256').keys, curve(112)] } },
      `client.jwks: must hold no EC key below 160 bits (fapi1-advanced, size of elliptic curve keys: ${PART1} 5.2.4, item 3)`,
      { jwks: { keys: [...clientJwks('P-256').keys, curve(160)] } },
    ],
    [
      'an ID token in the front channel',
      SECURITY,
      { response_types: ['code', 'code id_token'] },
      `client.response_types: must hold nothing but code (fapi2-security, response type: ${SP} 5.3.2.2, item 1)`,
      { response_types: ['code'] },
    ],
    [
      'an access token in the front channel',
      FAPI1,
      { response_types: ['code token'] },
      `client.response_types: must hold nothing but code id_token or code (fapi1-advanced, response type: ${PART2} 5.2.2, item 2)`,
      { response_types: ['code id_token'] },
    ],
    [
      'a response that is not signed',
      SIGNING,
      { authorization_signed_response_alg: undefined },
      `client.authorization_signed_response_alg: must be registered (fapi2-message-signing, signed authorization response: ${MS} 5.4.2, item 1)`,
      { authorization_signed_response_alg: 'PS256' },
    ],
    [
      'a code in a response that is not signed',
      FAPI1,
      { response_types: ['code'], authorization_signed_response_alg: undefined },
      `client.authorization_signed_response_alg: must be registered (fapi1-advanced, signed authorization response: ${PART2} 5.2.2, item 2)`,
      { response_types: ['code'], authorization_signed_response_alg: 'PS256' },
    ],
    [
      'a code by default in a response that is not signed',
      FAPI1,
      { response_types: [], authorization_signed_response_alg: undefined },
      `client.authorization_signed_response_alg: must be registered (fapi1-advanced, signed authorization response: ${PART2} 5.2.2, item 2)`,
      { response_types: [], authorization_signed_response_alg: 'PS256' },
    ],
    [
      'B12 requests that are not pushed',
      SECURITY,
      { require_pushed_authorization_requests: false },
      `client.require_pushed_authorization_requests: must not be false (fapi2-security, pushed authorization requests: ${SP} 5.3.3.2, item 2)`,
      { require_pushed_authorization_requests: true },
    ],
    [
      'the password grant',
      SECURITY,
      { grant_types: ['authorization_code', 'password'] },
      `client.grant_types: must not hold password (fapi2-security, grant types: ${SP} 5.3.2.1, item 2)`,
      { grant_types: ['authorization_code', 'refresh_token'] },
    ],
    [
      'tokens that are pushed',
      SECURITY,
      { backchannel_token_delivery_mode: 'push', backchannel_client_notification_endpoint: 'https://app.test/cb' },
      `client.backchannel_token_delivery_mode: must not be push (fapi2-security, delivery of tokens: ${CIBA} 5.2.2)`,
      { backchannel_token_delivery_mode: 'poll' },
    ],
    [
      'tokens that are pushed, in FAPI 1.0',
      FAPI1,
      { backchannel_token_delivery_mode: 'push', backchannel_client_notification_endpoint: 'https://app.test/cb' },
      `client.backchannel_token_delivery_mode: must not be push (fapi1-advanced, delivery of tokens: ${CIBA} 5.2.2)`,
      { backchannel_token_delivery_mode: 'ping', backchannel_client_notification_endpoint: 'https://app.test/cb' },
    ],
    [
      'bearer tokens',
      SECURITY,
      { dpop_bound_access_tokens: false },
      `client.dpop_bound_access_tokens: must not be false (fapi2-security, sender-constrained access tokens: ${SP} 5.3.3.1, item 1)`,
      { dpop_bound_access_tokens: false, tls_client_certificate_bound_access_tokens: true },
    ],
    [
      'bearer tokens in FAPI 1.0',
      FAPI1,
      { tls_client_certificate_bound_access_tokens: false },
      `client.tls_client_certificate_bound_access_tokens: must not be false (fapi1-advanced, sender-constrained access tokens: ${PART2} 5.2.3, item 1)`,
      { tls_client_certificate_bound_access_tokens: true },
    ],
    [
      'DPoP in FAPI 1.0',
      FAPI1,
      { dpop_bound_access_tokens: true },
      `client.dpop_bound_access_tokens: must not be true (fapi1-advanced, sender-constrained access tokens: ${PART2} 5.2.3, item 1)`,
      { dpop_bound_access_tokens: false },
    ],
    [
      'a redirect URI without TLS',
      SECURITY,
      { redirect_uris: ['https://app.test/cb', 'http://app.test/cb'] },
      `client.redirect_uris: must be https; http is for loopback hosts (fapi2-security, redirect URIs: ${SP} 5.3.2.2, item 8)`,
      { redirect_uris: ['https://app.test/cb', 'http://127.0.0.1:3000/cb'] },
    ],
    [
      'a redirect URI of an app',
      FAPI1,
      { redirect_uris: ['com.example.app:/cb'] },
      `client.redirect_uris: must be https; http is for loopback hosts (fapi1-advanced, redirect URIs: ${PART1} 5.2.2, item 20)`,
      { redirect_uris: ['https://app.test/cb'] },
    ],
  ])('%s (%s)', (_, profile, breaks, fault, keeps) => {
    expect(clientFaults(profile, breaks)).toContain(fault);
    expect(clientFaults(profile, keeps)).toEqual([]);
  });

  it('stops the boot with the name of the rule and its section', () => {
    const api = fapiClient({ redirect_uris: undefined, authorization_signed_response_alg: undefined });
    const broken = { ...api, token_endpoint_auth_method: 'none' as const };
    expect(() => parseClientMetadata(broken, securityProfile(SECURITY))).toThrow(
      `client.token_endpoint_auth_method: must be ${methods} (fapi2-security, client authentication: ${SP} 5.3.3.1, item 2)`,
    );
    expect(parseClientMetadata(broken).metadata.token_endpoint_auth_method).toBe('none');
  });

  it('says each fault once where the other endpoints are as the token endpoint', () => {
    expect(clientFaults(SECURITY, secret)).toHaveLength(1);
  });
});

describe('what a profile fills in', () => {
  const completed = (profile: SecurityProfileName | undefined, members: Members): Members => {
    const { metadata } = parseClientMetadata(fapiClient(members), securityProfile(profile));
    const {
      require_pushed_authorization_requests,
      response_types,
      token_endpoint_auth_signing_alg,
      request_object_signing_alg,
      dpop_bound_access_tokens,
      tls_client_certificate_bound_access_tokens,
    } = metadata;
    return {
      require_pushed_authorization_requests,
      response_types,
      token_endpoint_auth_signing_alg,
      request_object_signing_alg,
      dpop_bound_access_tokens,
      tls_client_certificate_bound_access_tokens,
    };
  };

  it('is nothing without a profile', () => {
    expect(completed(undefined, {})).toEqual({});
  });

  it('is PAR, the code, DPoP and the algorithm of the key', () => {
    expect(completed(SECURITY, { authorization_signed_response_alg: undefined })).toEqual({
      require_pushed_authorization_requests: true,
      response_types: ['code'],
      token_endpoint_auth_signing_alg: 'ES256',
      dpop_bound_access_tokens: true,
    });
  });

  it('is a signed request object too for message signing', () => {
    expect(completed(SIGNING, { jwks: clientJwks('RSA', 'P-256') })).toEqual({
      require_pushed_authorization_requests: true,
      response_types: ['code'],
      token_endpoint_auth_signing_alg: 'PS256',
      request_object_signing_alg: 'PS256',
      dpop_bound_access_tokens: true,
    });
  });

  it('is the hybrid flow and certificates for FAPI 1.0', () => {
    expect(completed(FAPI1, { authorization_signed_response_alg: undefined })).toEqual({
      response_types: ['code id_token'],
      token_endpoint_auth_signing_alg: 'ES256',
      request_object_signing_alg: 'ES256',
      tls_client_certificate_bound_access_tokens: true,
    });
  });

  it('is the code for FAPI 1.0 where the response is signed', () => {
    expect(completed(FAPI1, {})).toMatchObject({ response_types: ['code'] });
  });

  it('replaces nothing that is registered', () => {
    const registered = {
      jwks: clientJwks('P-256', 'RSA', 'Ed25519'),
      token_endpoint_auth_signing_alg: 'PS256',
      request_object_signing_alg: 'EdDSA',
      tls_client_certificate_bound_access_tokens: true,
    };
    expect(completed(SIGNING, registered)).toEqual({
      require_pushed_authorization_requests: true,
      response_types: ['code'],
      token_endpoint_auth_signing_alg: 'PS256',
      request_object_signing_alg: 'EdDSA',
      tls_client_certificate_bound_access_tokens: true,
    });
  });

  it('is no certificate for an API that only asks about tokens', () => {
    const api = { redirect_uris: undefined, authorization_signed_response_alg: undefined };
    expect(completed(FAPI1, api)).toEqual({ token_endpoint_auth_signing_alg: 'ES256' });
    expect(completed(FAPI1, { ...api, grant_types: [] })).toEqual({ token_endpoint_auth_signing_alg: 'ES256' });
    expect(completed(FAPI1, { ...api, grant_types: ['client_credentials'] })).toMatchObject({
      tls_client_certificate_bound_access_tokens: true,
    });
  });
});
