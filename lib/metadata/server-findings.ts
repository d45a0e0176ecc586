import { proofAlgorithm } from '../jose/dpop-key.js';
import { AUTHENTICATED_ENDPOINTS, isAuthenticated, type PublishedMethods } from './authentication-method.js';
import type { ParsedClientMetadata } from './client-metadata.schema.js';
import { invalid, type Finding } from './finding.js';
import { registeredAlgorithms, SIGNED_ANSWERS, type PublishedProtection } from './protected-answer.js';
import type { Endpoint, ServerMetadata } from './server-metadata.js';

/** The algorithms that a server lists. */
type PublishedAlgorithms = PublishedProtection & Pick<ServerMetadata, 'dpop_signing_alg_values_supported'>;

const SERVER_METADATA = 'RFC 8414, section 2';

/**
 * The registered algorithms that the server does not list among those that it signs and encrypts with, and our proofs, where it
 * takes none of them.
 */
export function algorithmFindings(client: ParsedClientMetadata, server: PublishedAlgorithms): readonly Finding[] {
  const problem = 'is not among the algorithms of the server';
  const answers = SIGNED_ANSWERS.flatMap((answer) =>
    registeredAlgorithms(answer, client)
      .filter(({ published, name }) => server[published]?.includes(name) === false)
      .map(({ registered }) => invalid({ member: `client.${registered}`, problem }, answer.specification)),
  );
  return [...answers, ...proofFindings(client, server)];
}

/**
 * PKCE, where ID tokens need not repeat the nonce: then nothing else ties the code to the login. A server that lists no method
 * at all is believed to have it, because many leave the list out.
 */
export function pkceFindings({ code_challenge_methods_supported: methods }: ServerMetadata): readonly Finding[] {
  const problem = 'can be unsupported only at a server that has PKCE with S256';
  return Array.isArray(methods) && !methods.includes('S256')
    ? [{ member: 'login.nonce', problem, rule: 'RFC 9700, section 2.1.1', code: 'INVALID_CONFIG' }]
    : [];
}

/** The server lists algorithms of DPoP proofs, and we sign by none of them. */
export const NO_PROOF_ALGORITHM = invalid(
  {
    member: 'client.dpop_bound_access_tokens',
    problem: 'can not be kept: the server takes no algorithm of proofs that is built',
  },
  'RFC 9449, section 5.1',
);

function proofFindings(
  { dpop_bound_access_tokens }: Pick<ParsedClientMetadata, 'dpop_bound_access_tokens'>,
  { dpop_signing_alg_values_supported: supported }: PublishedAlgorithms,
): readonly Finding[] {
  return dpop_bound_access_tokens === true && proofAlgorithm(supported) === undefined ? [NO_PROOF_ALGORITHM] : [];
}

/** An endpoint that the client needs and the server does not publish. */
export function missingEndpoint(endpoint: Endpoint): Finding {
  const problem = 'is not published by the server';
  return { member: `server.${endpoint}`, problem, rule: SERVER_METADATA, code: 'ENDPOINT_MISSING' };
}

/**
 * The registered method of an endpoint, where the server does not list it. Servers list how clients authenticate, and
 * many leave out that public clients do not: `none` needs no listing.
 */
export function methodFindings(
  endpoint: Endpoint,
  client: ParsedClientMetadata,
  server: PublishedMethods,
): readonly Finding[] {
  if (!isAuthenticated(endpoint)) {
    return [];
  }
  const { registered, published } = AUTHENTICATED_ENDPOINTS[endpoint];
  const method = client[registered];
  if (method === 'none' || server[published]?.includes(method) !== false) {
    return [];
  }
  const problem = 'is not among the methods of the server';
  return [{ member: `client.${registered}`, problem, rule: SERVER_METADATA, code: 'AUTH_METHOD_UNSUPPORTED' }];
}
