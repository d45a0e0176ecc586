import { ConfigError } from '../errors/errors.js';
import { printable } from '../errors/log-line.js';
import { OidcError } from '../errors/oidc.error.js';
import type { Finding } from '../metadata/finding.js';
import type { Line } from './report.js';

/** The line of an error: its message, what was seen and wanted, and the same of its cause. Errors hold no secret. */
export function problemOf(error: OidcError): Line {
  return { level: 'problem', text: textOf(error), code: error.code };
}

function textOf({ message, facts, cause }: OidcError): string {
  const seen = Object.entries(facts)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${printable(String(value))}`);
  const text = seen.length === 0 ? message : `${message} (${seen.join(', ')})`;
  return cause instanceof OidcError ? `${text} ${cause.code}: ${textOf(cause)}` : text;
}

/** The line of a finding. */
export function findingLine({ member, problem, rule, code }: Finding): Line {
  return { level: 'problem', text: `${member} ${problem} (${rule})`, code };
}

/** Runs a part of the examination. @returns its lines, or that of the error that ended it */
export async function examined(part: () => Promise<readonly Line[]> | readonly Line[]): Promise<readonly Line[]> {
  try {
    return await part();
  } catch (error) {
    if (error instanceof ConfigError) {
      return [{ level: 'problem', text: error.message, code: error.code }];
    }
    if (error instanceof OidcError) {
      return [problemOf(error)];
    }
    throw error;
  }
}
