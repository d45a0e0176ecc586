import type { AlgorithmMembers } from './protected-answer.js';

/** A request of the client that can go as a JWT. */
interface ProtectedRequest {
  readonly signing: AlgorithmMembers;
  /** Where the client's members are specified. */
  readonly specification: string;
}

/**
 * Protected requests: a row for each request that can go as a JWT. The metadata types, their schemas and the checks at boot
 * read this table.
 */
export const PROTECTED_REQUESTS = {
  authorization: {
    signing: {
      registered: 'request_object_signing_alg',
      published: 'request_object_signing_alg_values_supported',
    },
    specification: 'OpenID Connect Dynamic Client Registration 1.0, section 2',
  },
} as const satisfies Record<string, ProtectedRequest>;

type Requests = typeof PROTECTED_REQUESTS;
type Members = Requests[keyof Requests]['signing'];

/** The client metadata members that say how requests are protected. */
export type RegisteredRequests = { readonly [member in Members['registered']]?: string | undefined };

/** The server metadata members that list how requests can be protected. */
export type PublishedRequests = { readonly [member in Members['published']]?: readonly string[] | undefined };

export const SIGNED_REQUESTS: readonly Requests[keyof Requests][] = Object.values(PROTECTED_REQUESTS);
