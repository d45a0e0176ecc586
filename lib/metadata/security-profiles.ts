import type { Finding } from './finding.js';

/** Names of the security profiles. */
export const SECURITY_PROFILE_NAMES = ['fapi2-security', 'fapi2-message-signing', 'fapi1-advanced'] as const;

export type SecurityProfileName = (typeof SECURITY_PROFILE_NAMES)[number];

/** How a token is bound to its client: to a key (RFC 9449), or to a certificate (RFC 8705). */
export type Binding = 'dpop' | 'mtls';

/** What a security profile allows. Its rules and what it fills in read this. */
export interface SecurityProfile {
  readonly name: SecurityProfileName;
  /** Algorithms of signatures, the preferred first. */
  readonly algorithms: readonly string[];
  readonly bindings: readonly Binding[];
  readonly responseTypes: readonly string[];
  /** Grant types that are never used. */
  readonly refusedGrants: readonly string[];
  /** Whether the authorization request is a signed request object. */
  readonly signsRequests: boolean;
  /** Claims that an ID token in the authorization response must have: they bind the response to it. */
  readonly hashes: readonly 's_hash'[];
  /** Minimum size of keys, in bits. */
  readonly smallestKeys: { readonly RSA: number; readonly EC: number };
}

const FAPI2 = {
  // `Ed25519` is the fully-specified name of EdDSA with that curve: the note in section 5.4.1.
  algorithms: ['PS256', 'ES256', 'EdDSA', 'Ed25519'],
  bindings: ['dpop', 'mtls'],
  responseTypes: ['code'],
  // FAPI 2.0 Security Profile, section 5.3.2.1, item 2.
  refusedGrants: ['password'],
  hashes: [],
  smallestKeys: { RSA: 2048, EC: 224 },
} as const;

const PROFILES: Readonly<Record<SecurityProfileName, Omit<SecurityProfile, 'name'>>> = {
  'fapi2-security': { ...FAPI2, signsRequests: false },
  'fapi2-message-signing': { ...FAPI2, signsRequests: true },
  'fapi1-advanced': {
    algorithms: ['PS256', 'ES256'],
    bindings: ['mtls'],
    responseTypes: ['code id_token', 'code'],
    refusedGrants: [],
    signsRequests: true,
    // Part 2: Advanced, section 5.2.3.1, item 4.
    hashes: ['s_hash'],
    smallestKeys: { RSA: 2048, EC: 160 },
  },
};

/** The security profile of a name; undefined: none. */
export function securityProfile(name: SecurityProfileName | undefined): SecurityProfile | undefined {
  return name && { name, ...PROFILES[name] };
}

/** The section that a rule stands in, for each profile that has it. */
export type Sections = { readonly [name in SecurityProfileName]?: string };

/** FAPI 2.0 Security Profile, Final. All of it counts for message signing too. */
export function fapi2(section: string): Sections {
  const text = `FAPI 2.0 Security Profile, section ${section}`;
  return { 'fapi2-security': text, 'fapi2-message-signing': text };
}

/** FAPI 2.0 Message Signing, Final. */
export function messageSigning(section: string): Sections {
  return { 'fapi2-message-signing': `FAPI 2.0 Message Signing, section ${section}` };
}

/** FAPI 1.0, Final. */
export function fapi1(part: '1: Baseline' | '2: Advanced', section: string): Sections {
  return { 'fapi1-advanced': `FAPI 1.0 Part ${part}, section ${section}` };
}

/** FAPI: Client Initiated Backchannel Authentication Profile, a draft. It adds to each profile. */
export function ciba(section: string): Sections {
  const text = `FAPI-CIBA, section ${section}`;
  return Object.fromEntries(SECURITY_PROFILE_NAMES.map((name) => [name, text]));
}

/** What a subject has that a rule does not allow. */
export type Fault = Pick<Finding, 'member' | 'problem'> & { readonly code?: Finding['code'] };

/** A rule of security profiles about a client, the options or a server. */
export interface ProfileRule<Subject> {
  readonly name: string;
  readonly sections: Sections;
  readonly faults: (subject: Subject, profile: SecurityProfile) => readonly Fault[];
}

/** What breaks the rules of a profile. The problem names the rule and where it stands. */
export function profileFindings<Subject>(
  rules: readonly ProfileRule<Subject>[],
  subject: Subject,
  profile: SecurityProfile | undefined,
): readonly Finding[] {
  if (profile === undefined) {
    return [];
  }
  return rules.flatMap(({ name, sections, faults }) => {
    const rule = sections[profile.name];
    if (rule === undefined) {
      return [];
    }
    return faults(subject, profile).map(({ member, problem, code = 'INVALID_CONFIG' }) => ({
      member,
      problem: `${problem} (${profile.name}, ${name}: ${rule})`,
      rule,
      code,
    }));
  });
}

/** `PS256, ES256 or EdDSA`. */
export function oneOf(names: readonly string[]): string {
  return names.join(', ').replace(/, ([^,]*)$/, ' or $1');
}
