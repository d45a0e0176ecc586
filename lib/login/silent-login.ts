import { OAuthError } from '../errors/errors.js';
import type { OperatorPort } from '../events/operator-events.js';
import { loginRefusal, refusedLogin } from './login-refusal.js';
import type { LoginTransaction } from './login-transaction.js';

/** What a provider answers to `prompt=none` where it would have to show a page (OpenID Connect Core 1.0, section 3.1.2.6). */
const NEEDS_PERSON: readonly string[] = [
  'login_required',
  'interaction_required',
  'consent_required',
  'account_selection_required',
];

/** Whether a silent login came to no more than that the provider would have to show a page: most visitors' do. */
export function needsPerson(error: unknown): boolean {
  return error instanceof OAuthError && NEEDS_PERSON.includes(error.error);
}

/**
 * Whether the browser goes on without a session, because a login that failed was silent: nobody has asked for it, so that
 * nobody expects a page about it. What is more than a provider that does not know the person is reported to the operator.
 * An error of the application passes.
 */
export function isPassedOver(
  { silent }: Pick<LoginTransaction, 'silent'>,
  error: unknown,
  operator: OperatorPort,
): boolean {
  const refusal = silent && loginRefusal(error);
  if (!refusal) {
    return false;
  }
  if (!needsPerson(error)) {
    operator.report(refusedLogin(refusal));
  }
  return true;
}
