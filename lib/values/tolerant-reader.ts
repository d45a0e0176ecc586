import { isNumericDate } from '../clock/clock.js';
import { isJsonObject, type JsonObject, type JsonValue } from './json.js';

/** The type of a member: the one that its specification names, and the looser forms in which providers send it. */
export interface MemberType {
  /** Converts a value to the specified type; undefined means absent. A value that can't be converted stays as it came. */
  readonly read: (value: JsonValue) => JsonValue | undefined;
  /** Whether a converted value is of the type. */
  readonly is: (value: JsonValue) => boolean;
}

/** Types of members by their names. */
export type MemberTypes = Readonly<Record<string, MemberType>>;

/**
 * Tolerant reader: converts the members of an answer to the types that their specification names.
 *
 * `null` is an absent member. Members without a type stay as they came. So do values that can't be converted:
 * {@link wrongMember} finds those.
 */
export function readMembers(members: JsonObject, types: MemberTypes): JsonObject {
  let changed: Map<string, JsonValue | undefined> | undefined;
  for (const name in types) {
    const came = members[name];
    const read = came === undefined || came === null ? undefined : types[name]?.read(came);
    if (read !== came) {
      changed = (changed ?? new Map<string, JsonValue | undefined>()).set(name, read);
    }
  }
  return changed === undefined ? members : replaced(members, changed);
}

function replaced(members: JsonObject, values: ReadonlyMap<string, JsonValue | undefined>): JsonObject {
  const entries = Object.entries(members).map(([name, came]) => [name, values.has(name) ? values.get(name) : came]);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

/** The first member that is not of its type, after {@link readMembers}. */
export function wrongMember(members: JsonObject, types: MemberTypes): string | undefined {
  for (const name in types) {
    const value = members[name];
    if (value !== undefined && types[name]?.is(value) === false) {
      return name;
    }
  }
  return undefined;
}

/** Any value; only `null` is read as absent. */
export const ANY: MemberType = { read: asItCame, is: () => true };

export const BOOLEAN: MemberType = { read: asItCame, is: (value) => typeof value === 'boolean' };

export const TEXT: MemberType = { read: asItCame, is: isText };

/** Seconds since the epoch (RFC 7519, section 2); also sent as text of digits. */
export const NUMERIC_DATE: MemberType = { read: fromDigits(13, isNumericDate), is: isNumericDate };

/** Texts with one space between them, such as scopes (RFC 6749, section 3.3); also sent as a list. */
export const SPACE_SEPARATED: MemberType = { read: joined, is: isText };

/** A list; an empty one means absent. */
export const FILLED_LIST: MemberType = {
  read: (value) => (Array.isArray(value) && value.length === 0 ? undefined : value),
  is: Array.isArray,
};

/** An object with any members; those that are `null` are absent. */
export const RECORD: MemberType = {
  read: (value) => (isJsonObject(value) ? readMembers(value, anyOf(Object.keys(value))) : value),
  is: isJsonObject,
};

/** The type {@link ANY} for each of these members. */
export function anyOf(names: readonly string[]): MemberTypes {
  return Object.fromEntries(names.map((name) => [name, ANY]));
}

/**
 * Converts text of decimal digits to a number.
 *
 * @param longest more digits than this are no such number
 */
export function fromDigits(longest: number, isValid: (value: number) => boolean): MemberType['read'] {
  return (value) => {
    const isDigits = typeof value === 'string' && value.length <= longest && /^\d+$/.test(value);
    return isDigits && isValid(Number(value)) ? Number(value) : value;
  };
}

/** Joins a list of texts. One with a blank in it would become two, so such a list stays as it came. */
function joined(value: JsonValue): JsonValue {
  const isList = Array.isArray(value) && value.every((one) => typeof one === 'string' && /^\S+$/.test(one));
  return isList ? value.join(' ') : value;
}

function asItCame(value: JsonValue): JsonValue {
  return value;
}

function isText(value: JsonValue): boolean {
  return typeof value === 'string';
}
