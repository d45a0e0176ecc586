import { compactDecrypt, createLocalJWKSet, jwtVerify, UnsecuredJWT, type JWTPayload } from 'jose';

import { publicKeysOf, secretOf, type RegisteredClient } from './clients.js';
import type { ProviderContext } from './context.js';
import { sharedKeyOf } from './encrypting.js';

/** Seconds: FAPI 2.0 Message Signing, section 5.3.1. */
const LONGEST_LIFETIME = 3600;

/** Claims of the JWT itself, which are no parameters of the request. */
const OF_THE_JWT: readonly string[] = ['iss', 'aud', 'iat', 'nbf', 'exp', 'jti'];

/**
 * Verifies a request object as strictly as RFC 9101, section 6, allows, and FAPI 2.0 Message Signing, section 5.3.1, asks.
 *
 * @returns its parameters, as values
 * @throws it is none that the client has registered for
 */
export async function requestObjectOf(
  op: ProviderContext,
  client: RegisteredClient,
  request: string,
): Promise<Readonly<Record<string, unknown>>> {
  const claims = await verified(op, client, await decrypted(op, client, request));
  const { aud, jti, exp = 0, iat = 0 } = claims;
  if (typeof aud !== 'string' || 'sub' in claims || 'request' in claims || 'request_uri' in claims) {
    throw new Error('The request object names several audiences, a subject or another request');
  }
  if (exp - iat > LONGEST_LIFETIME || !op.requests.isNew(String(jti))) {
    throw new Error('The request object is good for too long, or was used before');
  }
  if (claims['client_id'] !== client.client_id) {
    throw new Error('The request object is of another client');
  }
  return Object.fromEntries(Object.entries(claims).filter(([name]) => !OF_THE_JWT.includes(name)));
}

async function decrypted(op: ProviderContext, client: RegisteredClient, request: string): Promise<string> {
  const alg = client['request_object_encryption_alg'];
  if (alg === undefined) {
    return request;
  }
  const enc = String(client['request_object_encryption_enc'] ?? 'A128CBC-HS256');
  const { plaintext, protectedHeader } = await compactDecrypt(
    request,
    sharedKeyOf(client, { alg: String(alg), enc }) ?? op.keys.decryptionKey(String(alg)).privateKey,
    { keyManagementAlgorithms: [String(alg)], contentEncryptionAlgorithms: [enc] },
  );
  if (protectedHeader.cty?.toUpperCase() !== 'JWT') {
    throw new Error('The encrypted request object does not say that there is a JWT in it');
  }
  return new TextDecoder().decode(plaintext);
}

async function verified(op: ProviderContext, client: RegisteredClient, jwt: string): Promise<JWTPayload> {
  const alg = String(client['request_object_signing_alg']);
  const currentDate = new Date(op.clock.now());
  const expected = { issuer: client.client_id, audience: op.issuer, currentDate, maxTokenAge: 60 };
  if (alg === 'none') {
    return UnsecuredJWT.decode(jwt, expected).payload;
  }
  const { payload } = await jwtVerify(
    jwt,
    (header, token) =>
      alg.startsWith('HS') ? Promise.resolve(secretOf(client)) : createLocalJWKSet(publicKeysOf(client))(header, token),
    { ...expected, algorithms: [alg], typ: 'oauth-authz-req+jwt', requiredClaims: ['exp', 'nbf', 'iat', 'jti'] },
  );
  return payload;
}
