import * as v from 'valibot';

import { ConfigError } from '../errors/errors.js';
import { member } from './member.js';
import { resembling } from './resembling.js';

/**
 * Validates a configuration value against its schema.
 *
 * @param path of the value in the options, such as `client`
 * @throws {ConfigError} names the first wrong member and what was expected of it, and never prints the value
 */
export function validate<Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
  path: string,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) {
    return result.output;
  }
  const { member: wrong, problem } = described(schema, result.issues[0], path);
  throw new ConfigError('INVALID_CONFIG', wrong, problem);
}

/** A member that is wrong, by its path, and what is wrong with it. */
export interface Problem {
  readonly member: string;
  readonly problem: string;
}

/** All that {@link validate} would find in a value, one problem a member. */
export function problemsIn(schema: v.GenericSchema, value: unknown, path: string): readonly Problem[] {
  const { issues = [] } = v.safeParse(schema, value, { abortPipeEarly: true });
  return issues.map((issue) => described(schema, issue, path));
}

function described(schema: v.GenericSchema, issue: v.BaseIssue<unknown>, path: string): Problem {
  const wrong = [path, v.getDotPath(issue)].filter(Boolean).join('.');
  return { member: wrong, problem: problemOf(schema, issue) };
}

/** Valibot's own messages repeat the value, which may be a secret. So only our messages and the expectation are used. */
function problemOf(schema: v.GenericSchema, issue: v.BaseIssue<unknown>): string {
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    const meant = resembling(String(placeOf(issue).at(-1)), namesBeside(schema, issue));
    return meant === undefined ? 'there is no such option' : `there is no such option, did you mean ${meant}?`;
  }
  if (issue.received === 'undefined') {
    return 'is required';
  }
  const isOwn = !issue.message.startsWith('Invalid ');
  return isOwn ? issue.message : `must be ${expectedOf(schema, issue)}`;
}

/** What valibot expects, in words. */
const WORDS: Readonly<Record<string, string>> = {
  Array: 'a list',
  Object: 'an object',
  Function: 'a function',
  string: 'a text',
  number: 'a number',
  boolean: 'true or false',
};

/** The items of a list, in words, by the type of their schema. */
const ITEMS: Readonly<Record<string, string>> = {
  string: 'texts',
  record: 'objects',
  object: 'objects',
  loose_object: 'objects',
  strict_object: 'objects',
};

/** Of several alternatives valibot writes `("a" | "b")`. */
function expectedOf(schema: v.GenericSchema, issue: v.BaseIssue<unknown>): string {
  const { expected } = issue;
  if (expected === 'Array') {
    const [item] = schemasAt(schema, placeOf(issue)).flatMap((one) => member(one, 'item') ?? []);
    const items = ITEMS[String(member(item, 'type'))];
    return items === undefined ? 'a list' : `a list of ${items}`;
  }
  const alternatives = (expected ?? 'valid').replaceAll(/^\(|\)$/g, '').split(' | ');
  return alternatives
    .map((one) => WORDS[one] ?? one)
    .join(', ')
    .replace(/, ([^,]*)$/, ' or $1');
}

/** The names of the options where there is one that nobody knows. */
function namesBeside(schema: v.GenericSchema, issue: v.BaseIssue<unknown>): readonly string[] {
  return schemasAt(schema, placeOf(issue).slice(0, -1)).flatMap((one) => Object.keys(member(one, 'entries') ?? {}));
}

/** Where in the value something is wrong. */
function placeOf({ path }: v.BaseIssue<unknown>): readonly unknown[] {
  return (path ?? []).map(({ key }) => key);
}

/** The schemas of a place in a value. */
function schemasAt(schema: unknown, place: readonly unknown[]): readonly unknown[] {
  return place.reduce<readonly unknown[]>(
    (schemas, key) =>
      schemas
        .flatMap((one) => member(one, 'item') ?? member(member(one, 'entries'), String(key)) ?? [])
        .flatMap(partsOf),
    partsOf(schema),
  );
}

/** What a schema is made of: what an optional one wraps, the steps of a pipe, each alternative. */
function partsOf(schema: unknown): readonly unknown[] {
  const parts = [member(schema, 'pipe') ?? member(schema, 'wrapped') ?? member(schema, 'options') ?? []].flat();
  return parts.length === 0 ? [schema] : parts.flatMap(partsOf);
}
