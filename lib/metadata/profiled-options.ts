import type { RegisteredClient } from './registered-client.js';
import {
  fapi1,
  fapi2,
  messageSigning,
  oneOf,
  type Fault,
  type ProfileRule,
  type SecurityProfile,
} from './security-profiles.js';
import type { ServerMetadata } from './server-metadata.js';

/** The options that security profiles have rules about. */
export interface ProfiledOptions {
  readonly insecureHttp: boolean;
  readonly server: Partial<ServerMetadata>;
  readonly client: IntrospectingClient;
  readonly login: { readonly responseMode?: string | undefined };
  readonly resourceServer?: ProfiledApi | undefined;
}

/** The options of an API. */
interface ProfiledApi {
  readonly resource?: string | undefined;
  readonly validation: string;
  readonly algorithms?: readonly string[] | undefined;
  readonly dpop?: { readonly algorithms?: readonly string[] | undefined } | undefined;
  readonly mtls?: object | undefined;
}

/** A client that introspects tokens. */
type IntrospectingClient = Pick<RegisteredClient, 'metadata'>;

/** The rules about introspection: an API's by its options, and any other when it is asked for. */
export const INTROSPECTION_RULES: readonly ProfileRule<IntrospectingClient>[] = [
  {
    name: 'signed introspection',
    sections: messageSigning('5.5.2, item 1'),
    faults: ({ metadata }) =>
      metadata.introspection_signed_response_alg === undefined
        ? [{ member: 'client.introspection_signed_response_alg', problem: 'must be registered' }]
        : [],
  },
];

/** The rules about options, as they are written and with their defaults. */
export const OPTION_RULES: readonly ProfileRule<ProfiledOptions>[] = [
  {
    name: 'TLS',
    sections: { ...fapi2('5.2.1, item 1'), ...fapi1('2: Advanced', '8.5') },
    faults: ({ insecureHttp }) => (insecureHttp ? [{ member: 'insecureHttp', problem: 'must not be true' }] : []),
  },
  {
    name: 'metadata of the server',
    sections: { ...fapi2('5.3.3.1, item 9'), ...fapi1('1: Baseline', '5.2.3, item 11') },
    faults: ({ server }) =>
      Object.keys(server)
        .filter(isWhereabouts)
        .map((member) => ({ member: `server.${member}`, problem: 'must be what the server publishes' })),
  },
  {
    name: 'sender-constrained access tokens at the API',
    sections: { ...fapi2('5.3.4, item 5'), ...fapi1('2: Advanced', '8.2') },
    faults: ({ resourceServer }, profile) => (resourceServer ? unboundApi(resourceServer, profile) : []),
  },
  {
    name: 'algorithms at the API',
    sections: { ...fapi2('5.4.1, item 1'), ...fapi1('2: Advanced', '8.6') },
    faults: ({ resourceServer }, { algorithms }) =>
      Object.entries({
        'resourceServer.algorithms': resourceServer?.algorithms,
        'resourceServer.dpop.algorithms': resourceServer?.dpop?.algorithms,
      })
        .filter(([, chosen]) => chosen?.every((alg) => algorithms.includes(alg)) === false)
        .map(([member]) => ({ member, problem: `must hold nothing but ${oneOf(algorithms)}` })),
  },
  {
    name: 'response mode',
    sections: { ...messageSigning('5.4.2, item 1'), ...fapi1('2: Advanced', '5.2.2, item 2') },
    faults: ({ login: { responseMode }, client }) =>
      client.metadata['authorization_signed_response_alg'] !== undefined &&
      responseMode !== undefined &&
      responseMode !== 'jwt'
        ? [{ member: 'login.responseMode', problem: 'must be jwt' }]
        : [],
  },
  ...INTROSPECTION_RULES.map((rule): ProfileRule<ProfiledOptions> => ({
    ...rule,
    faults: ({ resourceServer, client }, profile) =>
      resourceServer !== undefined && resourceServer.validation !== 'jwt' ? rule.faults(client, profile) : [],
  })),
];

/** The tolerance of the clock in seconds, and the option that says it. */
export interface ProfiledClock {
  readonly member: string;
  readonly tolerance: number;
}

/** The rules about the clock. */
export const CLOCK_RULES: readonly ProfileRule<ProfiledClock>[] = [
  {
    name: 'clock offsets',
    sections: fapi2('5.3.2.1, item 13'),
    faults: ({ member, tolerance }) =>
      tolerance < 10 || tolerance > 60 ? [{ member, problem: 'must be 10 to 60 seconds' }] : [],
  },
];

/** How a call carries its access token. */
export interface ProfiledCall {
  readonly tokenIn: string;
}

/** The rules about a call with an access token. */
export const CALL_RULES: readonly ProfileRule<ProfiledCall>[] = [
  {
    name: 'access token in the header',
    sections: { ...fapi2('5.3.3.1, item 3'), ...fapi1('1: Baseline', '6.2.2, item 1') },
    faults: ({ tokenIn }) => (tokenIn === 'header' ? [] : [{ member: 'tokenIn', problem: 'must be header' }]),
  },
];

/** Whether a member says where something of the server is. */
function isWhereabouts(member: string): boolean {
  return ['issuer', 'jwks_uri', 'mtls_endpoint_aliases'].includes(member) || member.endsWith('_endpoint');
}

function unboundApi({ dpop, mtls, resource }: ProfiledApi, { bindings }: SecurityProfile): readonly Fault[] {
  if (!bindings.includes('dpop')) {
    return [
      ...(dpop === undefined ? [] : [{ member: 'resourceServer.dpop', problem: 'must not be set' }]),
      ...(mtls === undefined ? [{ member: 'resourceServer.mtls', problem: 'must be set' }] : []),
    ];
  }
  const isUnbound = dpop === undefined && mtls === undefined && resource === undefined;
  return isUnbound ? [{ member: 'resourceServer.resource', problem: 'must be set for DPoP, or mtls' }] : [];
}
