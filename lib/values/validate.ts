import * as v from 'valibot';

import { ConfigError } from '../errors/errors.js';

/**
 * Reads a configuration value by its schema.
 *
 * @param path where the value stands in the options, such as `client`
 * @throws {ConfigError} the first member that is wrong, by its path and what was expected of it, never by its value
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
  const { member, problem } = described(result.issues[0], path);
  throw new ConfigError('INVALID_CONFIG', member, problem);
}

/** A member that is wrong, by its path, and what is wrong with it. */
export interface Problem {
  readonly member: string;
  readonly problem: string;
}

/** All that {@link validate} would find in a value, one problem a member. */
export function problemsIn(schema: v.GenericSchema, value: unknown, path: string): readonly Problem[] {
  const { issues = [] } = v.safeParse(schema, value, { abortPipeEarly: true });
  return issues.map((issue) => described(issue, path));
}

function described(issue: v.BaseIssue<unknown>, path: string): Problem {
  const member = [path, v.getDotPath(issue)].filter(Boolean).join('.');
  return { member, problem: problemOf(issue) };
}

/** The library's own messages repeat what they received, which may be a secret: only ours and the expectation are told. */
function problemOf(issue: v.BaseIssue<unknown>): string {
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    return 'there is no such option';
  }
  if (issue.received === 'undefined') {
    return 'is required';
  }
  const isOwn = !issue.message.startsWith('Invalid ');
  return isOwn ? issue.message : `must be ${issue.expected ?? 'valid'}`;
}
