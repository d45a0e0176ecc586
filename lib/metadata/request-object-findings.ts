import { isAsymmetric } from '../jose/algorithms.js';
import { signingKey, type OwnKey } from '../jose/own-keys.js';
import type { ParsedClientMetadata } from './client-metadata.schema.js';
import { invalid, type Finding } from './finding.js';
import { REQUEST_MEMBERS, REQUEST_OBJECT, requestEncryption, type PublishedRequests } from './protected-request.js';
import type { ServerMetadata } from './server-metadata.js';

/** A client, with what it can sign with. */
interface SigningClient {
  readonly metadata: ParsedClientMetadata;
  readonly keys: readonly OwnKey[];
}

const { specification: REGISTRATION } = REQUEST_OBJECT;
const SIGNED = 'RFC 9101, section 10.5';

/** What keeps the client from signing and encrypting the requests as it has registered. */
export function requestObjectFindings({ metadata, keys }: SigningClient): readonly Finding[] {
  const { request_object_signing_alg: alg, require_signed_request_object: isRequired } = metadata;
  const findings: Finding[] = [];
  if (metadata.request_object_encryption_enc !== undefined && metadata.request_object_encryption_alg === undefined) {
    const problem = 'needs request_object_encryption_alg';
    findings.push(invalid({ member: 'client.request_object_encryption_enc', problem }, REGISTRATION));
  }
  if (alg === 'none' && isRequired === true) {
    const problem = 'must not be none where require_signed_request_object is registered';
    findings.push(invalid({ member: 'client.request_object_signing_alg', problem }, SIGNED));
  }
  // What is encrypted is signed first: anybody can encrypt.
  const isSigned = isRequired === true || requestEncryption(metadata) !== undefined;
  const needsKey = alg === undefined ? isSigned : isAsymmetric(alg);
  if (needsKey && signingKey(keys, alg) === undefined) {
    const demand = isRequired === true ? 'require_signed_request_object' : 'the signature that is encrypted';
    const cause = alg === undefined ? demand : `request_object_signing_alg ${alg}`;
    findings.push(invalid({ member: 'client.jwks', problem: `holds no private key for ${cause}` }, REGISTRATION));
  }
  return findings;
}

/** The registered algorithms of requests that the server does not take. */
function requestAlgorithmFindings(client: ParsedClientMetadata, server: PublishedRequests): readonly Finding[] {
  const encrypted = requestEncryption(client);
  const names = [client.request_object_signing_alg, encrypted?.alg, encrypted?.enc];
  return REQUEST_MEMBERS.flatMap(({ registered, published }, index) => {
    const name = names[index];
    const problem = 'is not among the algorithms of the server';
    return name === undefined || server[published]?.includes(name) !== false
      ? []
      : [invalid({ member: `client.${registered}`, problem }, REGISTRATION)];
  });
}

/** What keeps the client from sending the request objects that the server demands, or the server from reading them. */
export function serverRequestFindings(client: SigningClient, server: ServerMetadata): readonly Finding[] {
  const { metadata } = client;
  const isDemanded = server.require_signed_request_object === true;
  const isSent =
    metadata.request_object_signing_alg !== undefined ||
    metadata.request_object_encryption_alg !== undefined ||
    metadata.require_signed_request_object === true;
  const isPushed = metadata.require_pushed_authorization_requests ?? server.require_pushed_authorization_requests;
  const findings = [...requestAlgorithmFindings(metadata, server)];
  if (isDemanded && metadata.request_object_signing_alg === 'none') {
    const problem = 'must not be none at a server that requires signed request objects';
    findings.push(invalid({ member: 'client.request_object_signing_alg', problem }, SIGNED));
  }
  if ((isDemanded || isSent) && metadata.request_object_signing_alg === undefined && !canSign(client, server)) {
    const problem = 'holds no private key for the request objects that the server takes';
    findings.push(invalid({ member: 'client.jwks', problem }, SIGNED));
  }
  // A pushed request is read at another endpoint: what this member says of that one is nowhere written.
  if (isSent && isPushed !== true && server.request_parameter_supported === false) {
    const problem = 'needs a server that takes request objects in the URL, or require_pushed_authorization_requests';
    findings.push(
      invalid({ member: 'client.request_object_signing_alg', problem }, 'OpenID Connect Discovery 1.0, section 3'),
    );
  }
  return findings;
}

function canSign(client: SigningClient, server: ServerMetadata): boolean {
  const alg = requestObjectAlgorithm(client, server);
  const { request_object_signing_alg_values_supported: taken } = server;
  return signingKey(client.keys, alg) !== undefined && (alg === undefined || taken?.includes(alg) !== false);
}

/** The algorithm of request objects: the registered one, else one that a private key is made for and the server takes. */
export function requestObjectAlgorithm(
  { metadata, keys }: SigningClient,
  server: PublishedRequests,
): string | undefined {
  const { registered, published } = REQUEST_OBJECT.signing;
  const own = metadata[registered] ?? signingKey(keys)?.alg;
  const taken = server[published];
  if (metadata[registered] !== undefined || own === undefined || taken === undefined || taken.includes(own)) {
    return own;
  }
  return taken.find((alg) => isAsymmetric(alg) && signingKey(keys, alg) !== undefined) ?? own;
}
