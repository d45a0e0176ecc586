import type { ParsedClientMetadata } from './client-metadata.schema.js';
import { throwFirst } from './finding.js';
import { logsIn } from './profiled-registration.js';
import { SIGNED_ANSWERS } from './protected-answer.js';
import { REQUEST_OBJECT } from './protected-request.js';
import {
  fapi1,
  fapi2,
  messageSigning,
  oneOf,
  profileFindings,
  type Fault,
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
  { list: REQUEST_OBJECT.signing.published, isOpen: true },
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
    faults: forLogins(({ published }) =>
      published.pushed_authorization_request_endpoint === undefined
        ? [
            {
              member: 'server.pushed_authorization_request_endpoint',
              problem: 'is not published by the server',
              code: 'ENDPOINT_MISSING',
            },
          ]
        : [],
    ),
  },
  {
    name: 'response type',
    sections: { ...fapi2('5.3.2.2, item 1'), ...fapi1('2: Advanced', '5.2.2, item 2') },
    faults: forLogins(({ published, client: { response_types: [type = 'code'] = [] } }) =>
      lacks(published, 'response_types_supported', [type]),
    ),
  },
  {
    name: 'issuer in the authorization response',
    sections: fapi2('5.3.2.2, item 7'),
    // A signed response has its issuer inside of it.
    faults: forLogins(({ published, client }) =>
      hasSignedResponse(client) ? [] : denies(published, 'authorization_response_iss_parameter_supported'),
    ),
  },
  {
    name: 'PKCE',
    sections: { ...fapi2('5.3.2.2, item 5'), ...fapi1('2: Advanced', '5.2.2, item 18') },
    faults: forLogins(({ published }) => lacks(published, 'code_challenge_methods_supported', ['S256'])),
  },
  {
    name: 'signed authorization response',
    sections: { ...messageSigning('5.4.1, item 1'), ...fapi1('2: Advanced', '5.2.2.2, item 1') },
    faults: forLogins(({ published, client }) =>
      hasSignedResponse(client) ? lacks(published, 'response_modes_supported', ['jwt']) : [],
    ),
  },
  {
    name: 'algorithms',
    sections: { ...fapi2('5.4.1, item 1'), ...fapi1('2: Advanced', '8.6') },
    faults: ({ published, client }, { algorithms }) =>
      Object.entries(NEEDED_LISTS)
        .filter(([, isNeeded]) => client !== undefined && isNeeded(client))
        .flatMap(([list]) => lacks(published, list, algorithms)),
  },
  {
    name: 'sender-constrained access tokens',
    sections: { ...fapi2('5.3.2.1, item 5'), ...fapi1('2: Advanced', '5.2.2, item 6') },
    faults: ({ published, client }) =>
      client?.tls_client_certificate_bound_access_tokens === true && client.dpop_bound_access_tokens !== true
        ? denies(published, 'tls_client_certificate_bound_access_tokens')
        : [],
  },
];

/** Faults that count where the client logs people in. */
function forLogins(
  faults: (subject: PublishedForClient & { readonly client: ParsedClientMetadata }) => readonly Fault[],
): ProfileRule<PublishedForClient>['faults'] {
  return ({ published, client }) => (client !== undefined && logsIn(client) ? faults({ published, client }) : []);
}

/** A published list that has none of what is wanted. A server that publishes no list is believed to have it. */
function lacks(published: ServerMetadata, list: string, wanted: readonly string[]): readonly Fault[] {
  const isMissing = listOf(published, list)?.some((item) => wanted.includes(item)) === false;
  return isMissing ? [{ member: `server.${list}`, problem: `does not hold ${oneOf(wanted)}` }] : [];
}

/** A member that is not true. Left out, it is false (RFC 8705, section 3.3; RFC 9207, section 3). */
function denies(published: ServerMetadata, member: string): readonly Fault[] {
  return published[member] === true ? [] : [{ member: `server.${member}`, problem: 'is not true' }];
}

function hasSignedResponse(client: ParsedClientMetadata): boolean {
  return client['authorization_signed_response_alg'] !== undefined;
}

/** A published list; undefined where there is none. */
function listOf(metadata: ServerMetadata, member: string): readonly string[] | undefined {
  const list = metadata[member];
  return Array.isArray(list) ? list.filter((item) => typeof item === 'string') : undefined;
}
