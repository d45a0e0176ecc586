import * as v from 'valibot';

import { audiencesOf, typeOf } from '../jose/jwt.js';
import type { Purpose } from '../jose/purpose.js';
import { ACCESS_TOKEN } from '../jose/purpose.js';
import type { UnverifiedJwt } from '../jose/unverified-jwt.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../values/json.js';
import { isAccessToken } from './token-type.js';

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

/** What keeps a JWT from being an access token of a profile. */
export interface MissingMark {
  readonly claim: string;
  readonly wanted: string;
}

/** Access token profile in use: reads tokens for one API. */
export class AccessTokenReader {
  /** What a JWT of the profile is verified for. */
  readonly purpose: Purpose;
  readonly #clientId: readonly string[];
  readonly #scopes: readonly string[];
  readonly #roles: readonly string[];
  readonly #values: readonly (readonly [claim: string, accepted: readonly JsonValue[]])[];
  readonly #audienceClaim: string | undefined;

  /** @param audience the API's audiences; undefined: any is accepted */
  constructor(
    profile: AccessTokenProfile,
    readonly audience: readonly string[] | undefined,
  ) {
    const { typ, clientId, scopes, roles, require = {}, refuse = ID_TOKEN_CLAIMS } = profile;
    const required = Object.entries(require);
    this.#clientId = listOf(clientId).filter(isClaimName);
    this.#scopes = listOf(scopes).filter(isClaimName);
    this.#roles = listOf(roles);
    this.#audienceClaim = listOf(profile.audience).find(isClaimName);
    this.#values = required.flatMap(([claim, value]) => (value === true ? [] : [[claim, [value].flat()] as const]));
    this.purpose = {
      ...ACCESS_TOKEN,
      types: typ.map((type) => (type === '' ? undefined : typeOf(type))),
      required: [...new Set(['iss', 'exp', ...required.map(([claim]) => claim)])],
      foreign: [...ACCESS_TOKEN.foreign, ...refuse],
    };
  }

  /** Whether a JWT looks like an access token of the profile. Only its signature makes it one. */
  takes({ typ, claims }: UnverifiedJwt): boolean {
    const { types, foreign, required } = this.purpose;
    if (!types.includes(typ)) {
      return false;
    }
    if (typ === AT_JWT) {
      // A header of RFC 9068 decides by itself. What the token lacks is looked at when it is verified.
      return true;
    }
    const isThere = (claim: string): boolean => (own(claims, claim) ?? null) !== null;
    return (
      isAccessToken(claims) &&
      !foreign.some(isThere) &&
      required.every(isThere) &&
      this.missingMark(claims) === undefined
    );
  }

  /** Whether a token says which API it is for. */
  namesApi(claims: JsonObject): boolean {
    return (this.#apiOf(claims) ?? null) !== null;
  }

  /** The mark of the profile that a token lacks. */
  missingMark(claims: JsonObject): MissingMark | undefined {
    if (this.#clientId.length > 0 && this.#clientOf(claims) === undefined) {
      return { claim: this.#clientId.join(' or '), wanted: 'a client' };
    }
    const wrong = this.#values.find(
      ([claim, accepted]) => !accepted.some((value) => isSame(value, own(claims, claim))),
    );
    return wrong && { claim: wrong[0], wanted: wrong[1].map(String).join(' or ') };
  }

  /** Whether a token is for this API. */
  isForUs(claims: JsonObject): boolean {
    const { audience } = this;
    const named = this.#apiOf(claims);
    return (
      audience === undefined ||
      (typeof named === 'string' ? audience.includes(named) : audiencesOf(named).some((one) => audience.includes(one)))
    );
  }

  /** Whether another claim may name the API in place of `aud`. */
  get hasAudienceClaim(): boolean {
    return this.#audienceClaim !== undefined;
  }

  /** The client by the profile, else by the standard's `client_id`. */
  clientOf(claims: JsonObject): string | undefined {
    const standard = claims['client_id'];
    return this.#clientOf(claims) ?? (typeof standard === 'string' ? standard : undefined);
  }

  /** The scopes by the profile, else by the standard's `scope`. */
  scopesOf(claims: JsonObject): readonly string[] {
    let scopes: readonly string[] | undefined;
    for (const claim of this.#scopes) {
      const value = claims[claim];
      if (value !== undefined) {
        scopes = scopes === undefined ? words(value) : [...new Set([...scopes, ...words(value)])];
      }
    }
    return scopes ?? words(claims['scope']);
  }

  /** The roles by the profile, each once. */
  rolesOf(claims: JsonObject): readonly string[] {
    const found = this.#roles.flatMap((path) => [...valuesAt(claims, path, this.audience ?? [])].flatMap(rolesIn));
    return found.length === 0 ? NO_ROLES : [...new Set(found)];
  }

  #clientOf(claims: JsonObject): string | undefined {
    for (const claim of this.#clientId) {
      const value = claims[claim];
      const client = Array.isArray(value) && value.length === 1 ? value[0] : value;
      if (typeof client === 'string' && client !== '') {
        return client;
      }
    }
    return undefined;
  }

  #apiOf(claims: JsonObject): JsonValue | undefined {
    return claims['aud'] ?? (this.#audienceClaim === undefined ? undefined : claims[this.#audienceClaim]);
  }
}

const AT_JWT = 'at+jwt';

const NO_ROLES: readonly string[] = [];

/** Whether no object has a member of this name by itself. Such a name can be read from claims without a look at its owner. */
function isClaimName(claim: string): boolean {
  return !(claim in Object.prototype);
}

function listOf(names: string | readonly string[] = []): readonly string[] {
  return typeof names === 'string' ? [names] : names;
}

function isSame(wanted: JsonValue, value: JsonValue | undefined): boolean {
  return wanted === value || (typeof wanted === 'object' && JSON.stringify(wanted) === JSON.stringify(value));
}

/** Scopes: of a text between its spaces, or of a list of texts. */
function words(value: JsonValue | undefined): readonly string[] {
  if (typeof value === 'string') {
    return value.split(' ').filter(Boolean);
  }
  return Array.isArray(value) ? value.flatMap((one) => (typeof one === 'string' ? words(one) : [])) : [];
}

/** The values at a path: the member of that whole name, else each way to read a dot in it as a step down. */
function* valuesAt(value: JsonValue | undefined, path: string, audiences: readonly string[]): Generator<JsonValue> {
  if (!isJsonObject(value)) {
    return;
  }
  const whole = own(value, path);
  if (whole !== undefined) {
    yield whole;
    return;
  }
  for (let dot = path.indexOf('.'); dot !== -1; dot = path.indexOf('.', dot + 1)) {
    const step = path.slice(0, dot);
    for (const member of step === '*' ? audiences : [step]) {
      yield* valuesAt(own(value, member), path.slice(dot + 1), audiences);
    }
  }
}

function own(value: JsonObject, member: string): JsonValue | undefined {
  return Object.hasOwn(value, member) ? value[member] : undefined;
}

/** Roles of a claim. An object in a list may be of SCIM, with its `value` (RFC 7643, section 2.4). */
function rolesIn(value: JsonValue): readonly string[] {
  if (typeof value === 'string') {
    return value === '' ? [] : [value];
  }
  if (Array.isArray(value)) {
    return value.flatMap((one) =>
      isJsonObject(one) && typeof one['value'] === 'string' ? one['value'] : rolesIn(one),
    );
  }
  return isJsonObject(value) ? Object.keys(value) : [];
}
