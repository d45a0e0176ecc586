import { ConfigError } from '../errors/errors.js';
import type { AccessTokenProfile } from '../tokens/access-token-profile.js';
import { AccessTokenReader } from '../tokens/access-token-reader.js';
import { chain, type Awaitable } from '../values/awaitable.js';
import { isJsonObject, type JsonObject } from '../values/json.js';

/** A method, so that an application's function may say which users it takes. */
interface ReadsRoles {
  rolesOf(user: unknown): Awaitable<readonly string[]>;
}

/** Reads the roles of a user, as the strategy's `validate` returned them. What it throws ends the request with 500. */
export type SessionRoles = ReadsRoles['rolesOf'];

/** What the module's options say of roles. */
export interface RolesSettings {
  /** The application's function, if there is one. */
  readonly roles?: SessionRoles | undefined;
  /** Where the claims have roles; left out: in `roles`. */
  readonly profile?: AccessTokenProfile | undefined;
  /** The audiences of which a profile may name roles: the API's, and the client itself. */
  readonly audiences?: readonly string[];
}

/** The profile of claims that no provider's profile describes. */
const PLAIN: AccessTokenProfile = { typ: [''], roles: 'roles' };

const plain = new AccessTokenReader(PLAIN, undefined);

/** Reader of the roles of a session's user. */
export function rolesReader({ roles, profile = PLAIN, audiences }: RolesSettings = {}): SessionRoles {
  if (roles !== undefined) {
    return (user) => chain(roles(user), requireList);
  }
  const claimed = new AccessTokenReader(profile, audiences);
  return (user) => (isJsonObject(user) ? rolesOf(user, claimed) : []);
}

/** Roles that the application itself put beside a user's claims count alone. */
function rolesOf(user: JsonObject, claimed: AccessTokenReader): readonly string[] {
  const { claims } = user;
  if (isJsonObject(claims)) {
    return Object.hasOwn(user, 'roles') ? plain.rolesOf(user) : claimed.rolesOf(claims);
  }
  const found = claimed.rolesOf(user);
  return found.length > 0 ? found : plain.rolesOf(user);
}

/** @throws {ConfigError} an application's function returned anything else than a list of roles */
function requireList(roles: unknown): readonly string[] {
  if (!Array.isArray(roles) || !roles.every((role) => typeof role === 'string')) {
    throw new ConfigError('INVALID_CONFIG', 'session.roles', 'must return a list of texts');
  }
  return roles;
}
