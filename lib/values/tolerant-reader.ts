import { isNumericDate } from '../clock/clock.js';
import { isJsonObject, type JsonObject, type JsonValue } from './json.js';

/** The type that a specification gives to a member of an answer, and the looser forms in which providers send it. */
export interface MemberType {
  /** The value in the specified type; undefined: it says nothing. A value that can't be read so stays as it came. */
  readonly read: (value: JsonValue) => JsonValue | undefined;
  /** Whether a value that was read is of the type. */
  readonly is: (value: JsonValue) => boolean;
}

export type MemberTypes = Readonly<Record<string, MemberType>>;

/**
 * Tolerant reader: brings the members that have a type into the form that their specification gives them. `null` is an
 * absent member. Other members stay as they came, and so does what has no such form: {@link wrongMember} finds it.
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

/** Seconds since the epoch (RFC 7519, section 2), also written in digits. */
export const NUMERIC_DATE: MemberType = { read: fromDigits(13, isNumericDate), is: isNumericDate };

/** Texts with one space between them, as scopes are (RFC 6749, section 3.3), also as a list. */
export const SPACE_SEPARATED: MemberType = { read: joined, is: isText };

/** A list that can only be meant where there is something in it. */
export const FILLED_LIST: MemberType = {
  read: (value) => (Array.isArray(value) && value.length === 0 ? undefined : value),
  is: Array.isArray,
};

/** An object by names of its own; a `null` in it is absent too. */
export const RECORD: MemberType = {
  read: (value) => (isJsonObject(value) ? readMembers(value, anyOf(Object.keys(value))) : value),
  is: isJsonObject,
};

/** The same for each of these members: any value. */
export function anyOf(names: readonly string[]): MemberTypes {
  return Object.fromEntries(names.map((name) => [name, ANY]));
}

/**
 * Reads a number that is written in decimal digits.
 *
 * @param longest more digits than this are no such number
 */
export function fromDigits(longest: number, isValid: (value: number) => boolean): MemberType['read'] {
  return (value) => {
    const isDigits = typeof value === 'string' && value.length <= longest && /^\d+$/.test(value);
    return isDigits && isValid(Number(value)) ? Number(value) : value;
  };
}

/** A text with a blank in it would become two. */
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
