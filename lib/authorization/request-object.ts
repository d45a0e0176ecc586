import type { Server } from '../authorization-server/server.js';
import { signedRequest } from '../authorization-server/signed-request.js';
import { ConfigError } from '../errors/errors.js';
import { derivedKey } from '../jose/decryption.js';
import { sharedKeyLength, type EncryptionAlgorithms } from '../jose/encryption-algorithms.js';
import { encryptJwt } from '../jose/encryption.js';
import type { ParsedClientMetadata } from '../metadata/client-metadata.schema.js';
import { requestEncryption } from '../metadata/protected-request.js';
import { requestObjectAlgorithm } from '../metadata/request-object-findings.js';
import type { ServerMetadata } from '../metadata/server-metadata.js';
import type { JsonObject } from '../values/json.js';
import { isSafeUrl, parsedUrl } from '../values/url.js';

/** The media type of a request object, without `application/` (RFC 9101, section 10.8). */
const TYPE = 'oauth-authz-req+jwt';

/** Lifetime in seconds: long enough for a browser that is slow to follow a redirect. */
const LIFETIME = 300;

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
async function requestObject(server: Server, parameters: JsonObject): Promise<string> {
  const alg = requestObjectAlgorithm(server.client, await server.metadata());
  const signed = await signedRequest(server, parameters, { alg, typ: TYPE, lifetime: LIFETIME });
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

/** Parameters that stand beside a request object in the browser's URL (OpenID Connect Core 1.0, section 6.1). */
const BESIDE: readonly string[] = ['client_id', 'response_type', 'redirect_uri', 'scope'];

/** Makes a request object known, and returns the URI by which the server finds it. */
type Publish = (requestObject: string) => string | Promise<string>;

/**
 * An authorization request as a request object, with the parameters that go beside it: in the browser's URL some once more,
 * in a pushed request the client's name alone.
 *
 * @param how it goes: pushed, in the browser's URL, or by reference to where the application serves it
 */
export async function asRequestObject(
  server: Server,
  parameters: JsonObject,
  how: 'pushed' | 'by value' | Publish,
): Promise<JsonObject> {
  const object = await requestObject(server, parameters);
  const names = how === 'pushed' ? ['client_id'] : BESIDE;
  const beside = Object.fromEntries(names.map((name) => [name, parameters[name]]));
  return typeof how === 'function'
    ? { ...beside, request_uri: requireReference(await how(object)) }
    : { ...beside, request: object };
}

/** Longest URI of a request object in characters (RFC 9101, section 5.2). */
const LONGEST_REFERENCE = 512;

/** Requires a URL that the server can fetch. Plain http is for this machine: an unsigned object could be changed on its way. */
function requireReference(uri: string): string {
  const isWritable = /^[\x21-\x7e]+$/.test(uri) && uri.length <= LONGEST_REFERENCE;
  if (!isWritable || !isSafeUrl(parsedUrl(uri))) {
    throw new ConfigError('INVALID_CONFIG', 'request_uri', 'must return an https URL of at most 512 characters');
  }
  return uri;
}
