import { audiencesOf, typeOf } from '../jose/jwt.js';
import { ACCESS_TOKEN, type Purpose } from '../jose/purpose.js';
import type { UnverifiedJwt } from '../jose/unverified-jwt.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../values/json.js';
import { ID_TOKEN_CLAIMS, isClaimName, type AccessTokenProfile } from './access-token-profile.js';
import { isAccessToken } from './token-type.js';

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
