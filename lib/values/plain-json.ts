import { ConfigError } from '../errors/errors.js';
import type { JsonObject, JsonValue } from './json.js';
import { isObject } from './member.js';

/**
 * Deep copy of an option that is JSON, so that later changes of the original have no effect.
 *
 * Members that are undefined are left out, and so are symbols.
 *
 * @param path of the option, such as `client`
 * @throws {ConfigError} names the path of a value that is not JSON, and never prints the value
 */
export function plainJson(option: object, path: string): JsonObject {
  return copyMembers(option, path, [option]);
}

function copyMembers(value: object, path: string, within: readonly object[]): JsonObject {
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members.map(([name, member]) => [name, copy(member, `${path}.${name}`, within)]));
}

/** @param within the objects around the value, by which a circle is found */
function copy(value: unknown, path: string, within: readonly object[]): JsonValue {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') {
    return value;
  }
  if (typeof value === 'number' && Number.isFinite(value)) {
    return value;
  }
  if (!isObject(value)) {
    throw invalid(path, typeof value === 'number' ? 'must be finite' : `must be JSON, and is of type ${typeof value}`);
  }
  if (within.includes(value)) {
    throw invalid(path, 'must be JSON, and holds itself');
  }
  if (Array.isArray(value)) {
    return Array.from(value, (one: unknown, index) => copy(one, `${path}.${index}`, [...within, value]));
  }
  if (!isPlain(value)) {
    throw invalid(path, 'must be JSON, and is an instance of a class');
  }
  return copyMembers(value, path, [...within, value]);
}

/** Whether an object has no class: it is a literal, of any realm, or has no prototype. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function invalid(path: string, problem: string): ConfigError {
  return new ConfigError('INVALID_CONFIG', path, problem);
}
