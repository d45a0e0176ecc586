import * as v from 'valibot';

import { ConfigError } from '../errors/errors.js';

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

/** Valibot's own messages repeat the value, which may be a secret. So only our messages and the expectation are used. */
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
