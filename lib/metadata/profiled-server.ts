import type { ParsedClientMetadata } from './client-metadata.schema.js';
import { throwFirst } from './finding.js';
import { logsIn } from './profiled-registration.js';
import { SIGNED_ANSWERS } from './protected-answer.js';
import {
  fapi1,
  fapi2,
  messageSigning,
  oneOf,
  profileFindings,
  type ProfileRule,
  type SecurityProfile,
} from './security-profiles.js';
import type { ServerMetadata } from './server-metadata.js';

/** A server that has to keep a security profile, and our client there. */
export interface ProfiledServer {
  readonly profile: SecurityProfile;
  /** Undefined: we are not registered there. */
  readonly client: ParsedClientMetadata | undefined;
}

/** What a server publishes, and our client there. */
interface PublishedForClient {
  readonly published: ServerMetadata;
  readonly client: ParsedClientMetadata | undefined;
}

/**
 * The server's metadata as a profile narrows it: what signs is one of the profile's algorithms. Whoever reads the metadata
 * keeps the profile by that.
 *
 * @throws {ConfigError} the server does not keep the profile
 */
export function profiledMetadata(published: ServerMetadata, { profile, client }: ProfiledServer): ServerMetadata {
  throwFirst(profileFindings(SERVER_RULES, { published, client }, profile));
  const { algorithms } = profile;
  const narrowed = NARROWED_LISTS.map(({ list, isOpen }) => {
    const known = listOf(published, list) ?? (isOpen ? algorithms : undefined);
    return [list, known?.filter((alg) => algorithms.includes(alg))];
  });
  return { ...published, ...Object.fromEntries(narrowed) };
}

/** The lists by which algorithms are chosen. An open one allows algorithms of ours where it is not published. */
const NARROWED_LISTS: readonly { readonly list: string; readonly isOpen: boolean }[] = [
  ...SIGNED_ANSWERS.map(({ signing }) => ({ list: signing.published, isOpen: signing.defaults.length > 0 })),
  { list: 'dpop_signing_alg_values_supported', isOpen: true },
];

/** The lists of algorithms, each with what makes the client depend on it. */
const NEEDED_LISTS: Readonly<Record<string, (client: ParsedClientMetadata) => boolean>> = {
  id_token_signing_alg_values_supported: logsIn,
  userinfo_signing_alg_values_supported: (client) => client.userinfo_signed_response_alg !== undefined,
  authorization_signing_alg_values_supported: hasSignedResponse,
  introspection_signing_alg_values_supported: (client) => client.introspection_signed_response_alg !== undefined,
  token_endpoint_auth_signing_alg_values_supported: (client) => client.token_endpoint_auth_method === 'private_key_jwt',
  request_object_signing_alg_values_supported: (client) => client['request_object_signing_alg'] !== undefined,
  dpop_signing_alg_values_supported: (client) => client.dpop_bound_access_tokens === true,
};

/** The rules about a server, as it is published and overridden. */
export const SERVER_RULES: readonly ProfileRule<PublishedForClient>[] = [
  {
    name: 'pushed authorization requests',
    sections: fapi2('5.3.2.2, item 2'),
    faults: ({ published, client }) =>
      client !== undefined && logsIn(client) && published['pushed_authorization_request_endpoint'] === undefined
        ? [
            {
              member: 'server.pushed_authorization_request_endpoint',
              problem: 'is not published by the server',
              code: 'ENDPOINT_MISSING',
            },
          ]
        : [],
  },
  {
    name: 'response type',
    sections: { ...fapi2('5.3.2.2, item 1'), ...fapi1('2: Advanced', '5.2.2, item 2') },
    faults: ({ published, client }) => {
      const [type = 'code'] = client?.response_types ?? [];
      return client !== undefined && logsIn(client) && published.response_types_supported?.includes(type) === false
        ? [{ member: 'server.response_types_supported', problem: `does not hold ${type}` }]
        : [];
    },
  },
  {
    name: 'issuer in the authorization response',
    sections: fapi2('5.3.2.2, item 7'),
    // A signed response has its issuer inside of it.
    faults: ({ published, client }) =>
      client !== undefined &&
      logsIn(client) &&
      !hasSignedResponse(client) &&
      published.authorization_response_iss_parameter_supported !== true
        ? [{ member: 'server.authorization_response_iss_parameter_supported', problem: 'is not true' }]
        : [],
  },
  {
    name: 'PKCE',
    sections: { ...fapi2('5.3.2.2, item 5'), ...fapi1('2: Advanced', '5.2.2, item 18') },
    faults: ({ published }) =>
      listOf(published, 'code_challenge_methods_supported')?.includes('S256') === false
        ? [{ member: 'server.code_challenge_methods_supported', problem: 'does not hold S256' }]
        : [],
  },
  {
    name: 'signed authorization response',
    sections: { ...messageSigning('5.4.1, item 1'), ...fapi1('2: Advanced', '5.2.2.2, item 1') },
    faults: ({ published, client }) =>
      client !== undefined &&
      hasSignedResponse(client) &&
      listOf(published, 'response_modes_supported')?.includes('jwt') === false
        ? [{ member: 'server.response_modes_supported', problem: 'does not hold jwt' }]
        : [],
  },
  {
    name: 'algorithms',
    sections: { ...fapi2('5.4.1, item 1'), ...fapi1('2: Advanced', '8.6') },
    faults: ({ published, client }, { algorithms }) =>
      Object.entries(NEEDED_LISTS)
        .filter(([, isNeeded]) => client !== undefined && isNeeded(client))
        .filter(([list]) => listOf(published, list)?.some((alg) => algorithms.includes(alg)) === false)
        .map(([list]) => ({ member: `server.${list}`, problem: `does not hold ${oneOf(algorithms)}` })),
  },
  {
    name: 'sender-constrained access tokens',
    sections: { ...fapi2('5.3.2.1, item 5'), ...fapi1('2: Advanced', '5.2.2, item 6') },
    faults: ({ published, client }) =>
      client?.tls_client_certificate_bound_access_tokens === true &&
      client.dpop_bound_access_tokens !== true &&
      published['tls_client_certificate_bound_access_tokens'] !== true
        ? [{ member: 'server.tls_client_certificate_bound_access_tokens', problem: 'is not true' }]
        : [],
  },
];

function hasSignedResponse(client: ParsedClientMetadata): boolean {
  return client['authorization_signed_response_alg'] !== undefined;
}

/** A published list; undefined where there is none. */
function listOf(metadata: ServerMetadata, member: string): readonly string[] | undefined {
  const list = metadata[member];
  return Array.isArray(list) ? list.filter((item) => typeof item === 'string') : undefined;
}
