import { DEFAULT_CONTENT_ENCRYPTION, type EncryptionAlgorithms } from '../jose/encryption-algorithms.js';
import type { AlgorithmMembers } from './protected-answer.js';

/** A request of the client that can go as a JWT, signed and encrypted. */
interface ProtectedRequest {
  readonly signing: AlgorithmMembers;
  readonly encryption: { readonly alg: AlgorithmMembers; readonly enc: AlgorithmMembers };
  /** Where the client's members are specified. */
  readonly specification: string;
}

/**
 * The authorization request, which can go as a request object (RFC 9101). The metadata types, their schemas and the checks
 * at boot read this row.
 */
export const REQUEST_OBJECT = {
  signing: {
    registered: 'request_object_signing_alg',
    published: 'request_object_signing_alg_values_supported',
  },
  encryption: {
    alg: {
      registered: 'request_object_encryption_alg',
      published: 'request_object_encryption_alg_values_supported',
    },
    enc: {
      registered: 'request_object_encryption_enc',
      published: 'request_object_encryption_enc_values_supported',
    },
  },
  specification: 'OpenID Connect Dynamic Client Registration 1.0, section 2',
} as const satisfies ProtectedRequest;

const { signing, encryption } = REQUEST_OBJECT;

export const REQUEST_MEMBERS = [signing, encryption.alg, encryption.enc] as const;

type Members = (typeof REQUEST_MEMBERS)[number];

/** The client metadata members that say how requests are protected. */
export type RegisteredRequests = { readonly [member in Members['registered']]?: string | undefined };

/** The server metadata members that list how requests can be protected. */
export type PublishedRequests = { readonly [member in Members['published']]?: readonly string[] | undefined };

/** The algorithms that request objects are encrypted by; undefined: they are not encrypted. */
export function requestEncryption(client: RegisteredRequests): EncryptionAlgorithms | undefined {
  const { request_object_encryption_alg: alg, request_object_encryption_enc: enc } = client;
  return alg === undefined ? undefined : { alg, enc: enc ?? DEFAULT_CONTENT_ENCRYPTION };
}
