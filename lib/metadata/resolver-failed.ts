import { textMember } from '../values/member.js';
import { ConfigError } from '../errors/errors.js';
import { OidcError } from '../errors/oidc.error.js';

/**
 * The error of a function of the application that decides whom to trust, and threw. An error of ours says itself what to
 * answer; any other has a reason for the log.
 *
 * @param member the option that is the function
 */
export function resolverFailed(member: string, error: unknown): OidcError {
  if (error instanceof OidcError) {
    return error;
  }
  const reason = textMember(error, 'code') || textMember(error, 'name') || undefined;
  // Apart from the reason, by which a log tells troubles apart: what a stranger wrote may stand in it.
  const message = textMember(error, 'message') || undefined;
  return new ConfigError('RESOLVER_FAILED', member, 'the function threw', { cause: error, facts: { reason, message } });
}
