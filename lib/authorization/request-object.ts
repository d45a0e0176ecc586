import { randomUUID } from 'node:crypto';

import { clientSignature } from '../authorization-server/client-signature.js';
import type { Server } from '../authorization-server/server.js';
import { ConfigError } from '../errors/errors.js';
import { derivedKey } from '../jose/decryption.js';
import { sharedKeyLength, type EncryptionAlgorithms } from '../jose/encryption-algorithms.js';
import { encryptJwt } from '../jose/encryption.js';
import type { ParsedClientMetadata } from '../metadata/client-metadata.schema.js';
import { requestEncryption } from '../metadata/protected-request.js';
import { requestObjectAlgorithm } from '../metadata/request-object-findings.js';
import type { ServerMetadata } from '../metadata/server-metadata.js';
import type { JsonObject } from '../values/json.js';

/** The media type of a request object, without `application/` (RFC 9101, section 10.8). */
const TYPE = 'oauth-authz-req+jwt';

/** Lifetime in seconds: long enough for a browser that is slow to follow a redirect. */
const LIFETIME = 300;

/** Claims of the JWT itself. A parameter of such a name would be one of them. */
const CLAIMS: readonly string[] = ['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti'];

/** Whether authorization requests go as request objects: that is registered, or the server demands it (RFC 9101, section 10.5). */
export function needsRequestObject(client: ParsedClientMetadata, server: ServerMetadata): boolean {
  return (
    client.request_object_signing_alg !== undefined ||
    client.request_object_encryption_alg !== undefined ||
    client.require_signed_request_object === true ||
    server.require_signed_request_object === true
  );
}

/**
 * Request object: an authorization request as a JWT of the client (RFC 9101, section 4), so that nobody on the way through
 * the browser can change it. Its claims are the parameters as values, and what makes it good for this server and this
 * moment only. It has no `sub`, or it could pass as a client assertion (section 10.8). Where that is registered, the signed
 * JWT is encrypted.
 *
 * @throws {ConfigError} the client has nothing to sign with, or a parameter has the name of a claim
 */
export async function requestObject(server: Server, parameters: JsonObject): Promise<string> {
  const alg = requestObjectAlgorithm(server.client, await server.metadata());
  const signed = await signedRequest(server, parameters, alg, TYPE);
  const encryption = requestEncryption(server.client.metadata);
  return encryption === undefined
    ? signed
    : encryptJwt(signed, encryption, sharedKey(server, encryption) ?? (await server.encryptionKey(encryption.alg)));
}

/** The key that the client's secret makes; undefined where the algorithm needs a key of the server. */
function sharedKey({ client }: Server, encryption: EncryptionAlgorithms): Uint8Array | undefined {
  const { client_secret: secret } = client.metadata;
  const length = sharedKeyLength(encryption);
  return length === undefined || secret === undefined ? undefined : derivedKey(secret, length);
}

/**
 * Signs the parameters of a request, those of an authorization request or of another one that can go as a JWT.
 *
 * @param alg undefined: what a private key is made for
 * @param typ of the JWT; undefined: its specification names none
 */
export function signedRequest(
  { client, clock, issuer }: Server,
  parameters: JsonObject,
  alg: string | undefined,
  typ?: string,
): Promise<string> {
  const taken = CLAIMS.find((name) => parameters[name] !== undefined);
  if (taken !== undefined) {
    throw new ConfigError('INVALID_CONFIG', `parameters.${taken}`, 'is a claim of the request object itself');
  }
  const iat = Math.floor(clock.seconds());
  return clientSignature(
    client,
    alg,
    typ,
  )({
    ...parameters,
    iss: client.metadata.client_id,
    aud: issuer,
    iat,
    nbf: iat,
    exp: iat + LIFETIME,
    jti: randomUUID(),
  });
}

/** Parameters that stand beside a request object in the browser's URL (OpenID Connect Core 1.0, section 6.1). */
const BESIDE: readonly string[] = ['client_id', 'response_type', 'redirect_uri', 'scope'];

/** Parameters that go with a request object: in the browser's URL some once more, in a pushed request the client's name alone. */
export function besideRequestObject(parameters: JsonObject, isPushed: boolean): JsonObject {
  const names = isPushed ? ['client_id'] : BESIDE;
  return Object.fromEntries(names.map((name) => [name, parameters[name]]));
}
