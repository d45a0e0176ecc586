import { ConfigError } from '../errors/errors.js';
import { isAsymmetric } from '../jose/algorithms.js';
import type { ParsedClientMetadata } from './client-metadata.schema.js';
import type { ServerMetadata } from './server-metadata.js';

interface SignedResponse {
  readonly registered:
    'id_token_signed_response_alg' | 'userinfo_signed_response_alg' | 'introspection_signed_response_alg';
  readonly published:
    | 'id_token_signing_alg_values_supported'
    | 'userinfo_signing_alg_values_supported'
    | 'introspection_signing_alg_values_supported';
  /** Where neither side says anything. */
  readonly otherwise: readonly string[];
}

/** The answers that may come as a JWT, and what says how they are signed. */
export const SIGNED_RESPONSES = {
  id_token: {
    registered: 'id_token_signed_response_alg',
    published: 'id_token_signing_alg_values_supported',
    otherwise: ['RS256'],
  },
  userinfo: {
    registered: 'userinfo_signed_response_alg',
    published: 'userinfo_signing_alg_values_supported',
    otherwise: [],
  },
  introspection: {
    registered: 'introspection_signed_response_alg',
    published: 'introspection_signing_alg_values_supported',
    otherwise: ['RS256'],
  },
} as const satisfies Record<string, SignedResponse>;

/**
 * The algorithms that an answer may be signed with: the registered one, else those that the server publishes, else the
 * default. What a server publishes narrows and never adds `none` or HS*; when nothing is left, nothing is accepted.
 */
export function allowedAlgorithms(
  response: SignedResponse,
  client: ParsedClientMetadata,
  server: ServerMetadata,
): readonly string[] {
  const registered = client[response.registered];
  return registered === undefined
    ? (server[response.published]?.filter(isAsymmetric) ?? response.otherwise)
    : [registered];
}

/** @throws {ConfigError} the server lists the algorithms that it signs with, and a registered one is not among them */
export function requirePublished(client: ParsedClientMetadata, server: ServerMetadata): void {
  for (const { registered, published } of Object.values(SIGNED_RESPONSES)) {
    const alg = client[registered];
    if (alg !== undefined && server[published]?.includes(alg) === false) {
      throw new ConfigError('INVALID_CONFIG', `client.${registered}`, 'is not among the algorithms of the server');
    }
  }
}
