import * as v from 'valibot';

import type { JsonValue } from '../values/json.js';

/**
 * Access token profile: the shape of a provider's access tokens. It says how a JWT is told from other kinds of tokens, and
 * which claims name the client, the scopes and the roles. Introspected tokens are read by it too.
 *
 * Whatever the profile, a JWT must be signed with an asymmetric algorithm, name the issuer, end (`exp`) and be for this API.
 *
 * ```ts
 * const accessTokens: AccessTokenProfile = {
 *   typ: ['JWT'],
 *   clientId: 'azp',
 *   scopes: 'scope',
 *   roles: ['realm_access.roles', 'resource_access.*.roles'],
 *   require: { typ: 'Bearer' },
 * };
 * ```
 */
export interface AccessTokenProfile {
  /** Accepted `typ` of the header, in any case; `''` for none. */
  readonly typ: readonly string[];
  /** Claims that name the client; the first that is there counts. A JWT with none of them is refused. */
  readonly clientId?: string | readonly string[] | undefined;
  /** Claims with scopes: a text with spaces, or a list. */
  readonly scopes?: string | readonly string[] | undefined;
  /**
   * Claims with roles: a text is one role, a list has several, and of an object the names of its members count. A dot stands
   * for each level; a claim whose own name has dots is found too. `*` stands for each of the API's audiences.
   */
  readonly roles?: string | readonly string[] | undefined;
  /** The claim that names the API where there is no `aud`. */
  readonly audience?: string | undefined;
  /** Claims that must be there (`true`), or be this value or one of these. */
  readonly require?: Readonly<Record<string, JsonValue>> | undefined;
  /** Claims of other kinds of tokens. Default: those of an ID token alone. `[]` is for credentials that are ID tokens. */
  readonly refuse?: readonly string[] | undefined;
}

/** Claims of an ID token alone (OpenID Connect Core 1.0, sections 2 and 3.3.2.11; FAPI 1.0 Advanced, section 5.1.1). */
export const ID_TOKEN_CLAIMS: readonly string[] = ['nonce', 'at_hash', 'c_hash', 's_hash'];

const name = v.pipe(v.string(), v.nonEmpty('must not be empty'), v.check(isClaimName, 'must be the name of a claim'));

const names = v.union([name, v.array(name)], 'must be the name of a claim, or a list of names');

/** Schema of a profile that an application writes. */
export const accessTokenProfileSchema = v.strictObject({
  typ: v.pipe(v.array(v.string()), v.nonEmpty("must name a typ; '' is for none")),
  clientId: v.optional(names),
  scopes: v.optional(names),
  roles: v.optional(names),
  audience: v.optional(name),
  require: v.optional(
    v.record(
      name,
      v.custom<JsonValue>((value) => value !== undefined && value !== null),
    ),
  ),
  refuse: v.optional(v.array(name)),
});

/** Whether no object has a member of this name by itself. Such a name can be read from claims without a look at its owner. */
export function isClaimName(claim: string): boolean {
  return !(claim in Object.prototype);
}
