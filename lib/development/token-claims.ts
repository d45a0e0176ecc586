import { ID_TOKEN_CLAIMS, type AccessTokenProfile } from '../tokens/access-token-profile.js';
import type { JsonObject, JsonValue } from '../values/json.js';

/** An access token that is about to be issued. */
export interface IssuedToken {
  readonly clientId: string;
  readonly audience: string;
  readonly scope: string;
  /** Of the end-user; empty where a client acts for itself. */
  readonly roles: readonly string[];
  /** When and how well the end-user proved who they are (RFC 9470, section 6). */
  readonly authTime?: number | undefined;
  readonly acr?: string | undefined;
}

/** Claims that each token has whatever the profile. */
const STANDARD: readonly string[] = ['iss', 'sub', 'aud', 'exp', 'iat', 'jti'];

/**
 * The claims that make a token one of a profile, beside those that each token has: the profile says which claims name the
 * client, the scopes and the roles, and what has to be there.
 */
export function claimsByProfile(profile: AccessTokenProfile, token: IssuedToken): JsonObject {
  const { clientId, scopes, require = {}, refuse = ID_TOKEN_CLAIMS } = profile;
  const required = Object.entries(require).filter(([claim, value]) => value !== true || !STANDARD.includes(claim));
  const claims: Record<string, JsonValue | undefined> = {
    auth_time: token.authTime,
    acr: token.acr,
    ...Object.fromEntries(required.map(([claim, value]) => [claim, markOf(claim, value)])),
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
  return first === undefined || first === 'aud' || all.includes(standard) ? {} : { [first]: value };
}

/** A value for a claim that has to be there: one that the profile names, or any of the claim's type. */
function markOf(claim: string, wanted: JsonValue): JsonValue {
  if (wanted !== true) {
    return Array.isArray(wanted) ? wanted[0] : wanted;
  }
  return claim === 'nbf' || claim === 'auth_time' ? Math.floor(Date.now() / 1000) : 'development';
}
