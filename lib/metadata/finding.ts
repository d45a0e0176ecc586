import type { ConfigErrorCode } from '../errors/codes.js';
import { ConfigError } from '../errors/errors.js';

/** A finding: something that is wrong with the configuration. Its texts never repeat a value. */
export interface Finding {
  /** Path of the option, such as `client.redirect_uris`. */
  readonly member: string;
  /** What is wrong with it, to be read behind its name. */
  readonly problem: string;
  /** The rule that says so, such as `RFC 7591, section 2`. */
  readonly rule: string;
  readonly code: ConfigErrorCode;
}

/** The finding that an option has a wrong value. */
export function invalid({ member, problem }: Pick<Finding, 'member' | 'problem'>, rule: string): Finding {
  return { member, problem, rule, code: 'INVALID_CONFIG' };
}

/** A check of the configuration: what is wrong where it holds. */
export type Check = readonly [isWrong: boolean, member: string, problem: string, rule: string];

/** The findings of the checks that hold. */
export function findingsOf(checks: readonly Check[]): readonly Finding[] {
  return checks.flatMap(([isWrong, member, problem, rule]) => (isWrong ? [invalid({ member, problem }, rule)] : []));
}

/** The error of whoever can't go on because of a finding. */
export function toError({ code, member, problem }: Finding): ConfigError {
  return new ConfigError(code, member, problem);
}

/** @throws {ConfigError} the first finding */
export function throwFirst([first]: readonly Finding[]): void {
  if (first !== undefined) {
    throw toError(first);
  }
}
