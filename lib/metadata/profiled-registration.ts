import { publicKeyOf } from '../jose/jwk.js';
import { signingKey } from '../jose/own-keys.js';
import type { JsonObject, JsonValue } from '../values/json.js';
import { isSafeUrl, parsedUrl } from '../values/url.js';
import { AUTHENTICATION_METHODS, METHOD_MEMBERS, METHOD_NAMES } from './authentication-method.js';
import type { ParsedClientMetadata } from './client-metadata.schema.js';
import type { Registration } from './registration-findings.js';
import {
  ciba,
  fapi1,
  fapi2,
  messageSigning,
  oneOf,
  type Binding,
  type Fault,
  type ProfileRule,
  type Sections,
  type SecurityProfile,
} from './security-profiles.js';

/** A member that a profile fills in where it is not registered. */
interface Filling {
  readonly member: string;
  readonly sections: Sections;
  readonly value: (registration: Registration, profile: SecurityProfile) => JsonValue | undefined;
}

const FILLINGS: readonly Filling[] = [
  {
    member: 'require_pushed_authorization_requests',
    sections: fapi2('5.3.3.2'),
    value: ({ metadata }) => (logsIn(metadata) ? true : undefined),
  },
  {
    member: 'response_types',
    sections: { ...fapi2('5.3.3.2'), ...fapi1('2: Advanced', '5.2.2') },
    // With a signed response (JARM) the response of FAPI 1.0 needs no ID token.
    value: ({ metadata }, { responseTypes: [first = 'code'] }) =>
      logsIn(metadata) ? [metadata['authorization_signed_response_alg'] === undefined ? first : 'code'] : undefined,
  },
  {
    member: 'token_endpoint_auth_signing_alg',
    sections: { ...fapi2('5.4.1'), ...fapi1('2: Advanced', '8.6') },
    value: ({ keys }, { algorithms }) => signingKey(keys, undefined, algorithms)?.alg,
  },
  {
    member: 'request_object_signing_alg',
    sections: { ...messageSigning('5.3.2'), ...fapi1('2: Advanced', '5.2.3') },
    value: ({ metadata, keys }, { algorithms }) =>
      logsIn(metadata) ? signingKey(keys, undefined, algorithms)?.alg : undefined,
  },
  {
    member: 'dpop_bound_access_tokens',
    sections: fapi2('5.3.3.1'),
    value: ({ metadata }) => (metadata.tls_client_certificate_bound_access_tokens === true ? undefined : true),
  },
  {
    member: 'tls_client_certificate_bound_access_tokens',
    sections: fapi1('2: Advanced', '5.2.3'),
    // An API that only asks about tokens gets none of its own, and may have no certificate.
    value: ({ metadata }) => (logsIn(metadata) || metadata.grant_types?.[0] !== undefined ? true : undefined),
  },
];

/** What a profile adds to a registration, so that it has to say only what no profile can know. */
export function membersOfProfile(registration: Registration, profile: SecurityProfile): JsonObject {
  const members: Record<string, JsonValue> = {};
  for (const { member, sections, value } of FILLINGS) {
    const filled = value(registration, profile);
    if (sections[profile.name] !== undefined && registration.metadata[member] === undefined && filled !== undefined) {
      members[member] = filled;
    }
  }
  return members;
}

/** Whether a client logs people in. */
export function logsIn({ redirect_uris }: Pick<ParsedClientMetadata, 'redirect_uris'>): boolean {
  return redirect_uris !== undefined;
}

/** The rules about a client, as the profile has completed it. */
export const CLIENT_RULES: readonly ProfileRule<Registration>[] = [
  {
    name: 'client authentication',
    sections: { ...fapi2('5.3.3.1, item 2'), ...fapi1('2: Advanced', '5.2.2, item 14') },
    faults: weakAuthentication,
  },
  {
    name: 'algorithms',
    sections: { ...fapi2('5.4.1, item 1'), ...fapi1('2: Advanced', '8.6') },
    faults: otherAlgorithms,
  },
  {
    name: 'keys to sign with',
    sections: { ...fapi2('5.4.1, item 1'), ...fapi1('2: Advanced', '8.6') },
    faults: missingKeys,
  },
  {
    name: 'size of RSA keys',
    sections: { ...fapi2('5.4.1, item 2'), ...fapi1('1: Baseline', '5.2.4, item 2') },
    faults: (registration, profile) => shortKeys(registration, profile, 'RSA'),
  },
  {
    name: 'size of elliptic curve keys',
    sections: { ...fapi2('5.4.1, item 3'), ...fapi1('1: Baseline', '5.2.4, item 3') },
    faults: (registration, profile) => shortKeys(registration, profile, 'EC'),
  },
  {
    name: 'response type',
    sections: { ...fapi2('5.3.2.2, item 1'), ...fapi1('2: Advanced', '5.2.2, item 2') },
    faults: ({ metadata }, { responseTypes }) =>
      metadata.response_types?.every((type) => responseTypes.includes(type)) === false
        ? [{ member: 'client.response_types', problem: `must hold nothing but ${oneOf(responseTypes)}` }]
        : [],
  },
  {
    name: 'signed authorization response',
    sections: { ...messageSigning('5.4.2, item 1'), ...fapi1('2: Advanced', '5.2.2, item 2') },
    faults: unsignedResponse,
  },
  {
    name: 'pushed authorization requests',
    sections: fapi2('5.3.3.2, item 2'),
    faults: ({ metadata }) =>
      metadata.require_pushed_authorization_requests === false
        ? [{ member: 'client.require_pushed_authorization_requests', problem: 'must not be false' }]
        : [],
  },
  {
    name: 'grant types',
    sections: fapi2('5.3.2.1, item 2'),
    faults: ({ metadata }) =>
      metadata.grant_types?.includes('password') === true
        ? [{ member: 'client.grant_types', problem: 'must not hold password' }]
        : [],
  },
  {
    name: 'delivery of tokens',
    sections: ciba('5.2.2'),
    faults: ({ metadata }) =>
      metadata.backchannel_token_delivery_mode === 'push'
        ? [{ member: 'client.backchannel_token_delivery_mode', problem: 'must not be push' }]
        : [],
  },
  {
    name: 'sender-constrained access tokens',
    sections: { ...fapi2('5.3.3.1, item 1'), ...fapi1('2: Advanced', '5.2.3, item 1') },
    faults: unboundTokens,
  },
  {
    name: 'redirect URIs',
    sections: { ...fapi2('5.3.2.2, item 8'), ...fapi1('1: Baseline', '5.2.2, item 20') },
    faults: ({ metadata }) =>
      metadata.redirect_uris?.every((uri) => isSafeUrl(parsedUrl(uri))) === false
        ? [{ member: 'client.redirect_uris', problem: 'must be https; http is for loopback hosts' }]
        : [],
  },
];

/** The methods that need a key or a certificate of the client. */
const STRONG_METHODS = METHOD_NAMES.filter((method) =>
  ['key', 'certificate'].some((means) => means === AUTHENTICATION_METHODS[method].needs),
);

function weakAuthentication({ given, metadata }: Registration): readonly Fault[] {
  // What is left out is as at the token endpoint, and blamed there.
  return METHOD_MEMBERS.filter((member) => member === 'token_endpoint_auth_method' || given[member] !== undefined)
    .filter((member) => !STRONG_METHODS.includes(metadata[member]))
    .map((member) => ({ member: `client.${member}`, problem: `must be ${oneOf(STRONG_METHODS)}` }));
}

/** The names of the members that register an algorithm of signatures. */
const SIGNING_ALGORITHM = /_(?:signing|signed_response)_alg$/;

function otherAlgorithms({ metadata }: Registration, { algorithms }: SecurityProfile): readonly Fault[] {
  return Object.entries(metadata)
    .filter(([member, alg]) => SIGNING_ALGORITHM.test(member) && alg !== undefined && !algorithms.includes(String(alg)))
    .map(([member]) => ({ member: `client.${member}`, problem: `must be ${oneOf(algorithms)}` }));
}

function missingKeys({ metadata, keys }: Registration, profile: SecurityProfile): readonly Fault[] {
  const signs =
    METHOD_MEMBERS.some((member) => metadata[member] === 'private_key_jwt') ||
    (profile.signsRequests && logsIn(metadata));
  return signs && signingKey(keys, undefined, profile.algorithms) === undefined
    ? [{ member: 'client.jwks', problem: `must hold a private key for ${oneOf(profile.algorithms)}` }]
    : [];
}

function shortKeys(
  { privateJwks }: Registration,
  { smallestKeys }: SecurityProfile,
  kty: keyof SecurityProfile['smallestKeys'],
): readonly Fault[] {
  const isShort = privateJwks.some((jwk) => jwk['kty'] === kty && bitsOf(jwk) < smallestKeys[kty]);
  return isShort ? [{ member: 'client.jwks', problem: `must hold no ${kty} key below ${smallestKeys[kty]} bits` }] : [];
}

/** The size of a key: of the modulus, or of the curve. Leading zeros of a modulus are not counted. */
function bitsOf(jwk: JsonObject): number {
  const { n, x } = publicKeyOf(jwk) ?? {};
  const bytes = Buffer.from(n ?? x ?? '', 'base64url');
  return n === undefined ? bytes.length * 8 : BigInt(`0x0${bytes.toString('hex')}`).toString(2).length;
}

/** A response without an ID token is signed as a whole (JARM): without that registered, the server would use RS256. */
function unsignedResponse({ metadata }: Registration): readonly Fault[] {
  const { response_types: [type = 'code'] = [], authorization_signed_response_alg: alg } = metadata;
  return logsIn(metadata) && type === 'code' && alg === undefined
    ? [{ member: 'client.authorization_signed_response_alg', problem: 'must be registered' }]
    : [];
}

/** The member that registers a binding. */
const BINDING_MEMBERS = {
  dpop: 'dpop_bound_access_tokens',
  mtls: 'tls_client_certificate_bound_access_tokens',
} as const satisfies Record<Binding, string>;

function unboundTokens({ given, metadata }: Registration, { bindings }: SecurityProfile): readonly Fault[] {
  const members = bindings.map((binding) => BINDING_MEMBERS[binding]);
  const refused = Object.values(BINDING_MEMBERS).filter(
    (member) => !members.includes(member) && metadata[member] === true,
  );
  const denied = members.filter((member) => given[member] === false);
  const isUnbound = denied.length > 0 && members.every((member) => metadata[member] !== true);
  return [
    ...refused.map((member) => ({ member: `client.${member}`, problem: 'must not be true' })),
    ...(isUnbound ? denied.map((member) => ({ member: `client.${member}`, problem: 'must not be false' })) : []),
  ];
}
