import type { JsonObject, JsonValue } from '../values/json.js';
import { ID_TOKEN_CLAIMS, type AccessTokenProfile } from './access-token-profile.js';

/** What an access token of a profile says, whatever its claims are called there. */
export interface ProfiledContent {
  readonly clientId: string;
  /** The API. */
  readonly audience: string;
  /** Empty: none. */
  readonly scope: string;
  /** Of the end-user; empty where a client acts for itself. */
  readonly roles: readonly string[];
  /** When and how well the end-user proved who they are (RFC 9470, section 6). */
  readonly authTime?: number | undefined;
  readonly acr?: string | undefined;
  /** Seconds since the epoch. */
  readonly now: number;
}

/** Claims that each token has whatever the profile. */
const STANDARD: readonly string[] = ['iss', 'sub', 'aud', 'exp', 'iat', 'jti'];

/**
 * The claims that make a token one of a profile, beside those that each token has: the profile says which claims name the
 * client, the scopes and the roles, and what has to be there. For providers of our own, which write tokens.
 */
export function claimsByProfile(profile: AccessTokenProfile, token: ProfiledContent): JsonObject {
  const { clientId, scopes, require = {}, refuse = ID_TOKEN_CLAIMS } = profile;
  const required = Object.entries(require).filter(([claim, value]) => value !== true || !STANDARD.includes(claim));
  const claims: Record<string, JsonValue | undefined> = {
    auth_time: token.authTime,
    acr: token.acr,
    ...Object.fromEntries(required.map(([claim, value]) => [claim, markOf(claim, value, token.now)])),
    ...named(clientId, 'client_id', token.clientId),
    ...named(scopes, 'scope', token.scope),
    ...rolesByProfile(profile, token.roles, token.audience),
  };
  return Object.fromEntries(Object.entries(claims).filter(([claim]) => !refuse.includes(claim)));
}

/** Roles where the profile looks for them: `realm_access.roles` is a list two levels down. */
export function rolesByProfile(
  { roles: paths = [] }: AccessTokenProfile,
  roles: readonly string[],
  audience: string,
): JsonObject {
  const [path] = [paths].flat();
  if (path === undefined || roles.length === 0) {
    return {};
  }
  const steps = path.split('.').map((step) => (step === '*' ? audience : step));
  return steps.reduceRight<JsonObject>((inner, step, index) => {
    return { [step]: index === steps.length - 1 ? roles : inner };
  }, {});
}

/** The `typ` of a JWT's header; undefined: it has none. */
export function typByProfile({ typ }: AccessTokenProfile): string | undefined {
  return typ.includes('at+jwt') ? 'at+jwt' : typ.find((name) => name !== '');
}

/** A value under the name that the profile has for it, where that is not the standard's. */
function named(names: AccessTokenProfile['scopes'] = [], standard: string, value: string): JsonObject {
  const all = [names].flat();
  const [first] = all;
  return value === '' || first === undefined || first === 'aud' || all.includes(standard) ? {} : { [first]: value };
}

/** A value for a claim that has to be there: one that the profile names, or any of the claim's type. */
function markOf(claim: string, wanted: JsonValue, now: number): JsonValue {
  if (wanted !== true) {
    return Array.isArray(wanted) ? wanted[0] : wanted;
  }
  return claim === 'nbf' || claim === 'auth_time' ? now : 'any';
}
