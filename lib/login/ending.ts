import { PRIVATE_ANSWER, type ResponseHeader } from '../nest/answer.js';
import { refuse, type Refusal } from '../nest/refusal.js';
import type { Responses } from '../nest/responses.js';
import type { JsonValue } from '../values/json.js';

/** An attempt that went well: the browser goes to the provider, or comes back as a user. */
export type Success =
  | { readonly kind: 'redirect'; readonly location: string }
  | { readonly kind: 'user'; readonly user: JsonValue; readonly returnTo: string };

/** How an attempt to log in ended, and the cookies of its answer. An error is the application's own, thrown as it is. */
export type Ending = { readonly setCookies: readonly string[] } & (
  | Success
  | { readonly kind: 'refusal'; readonly refusal: Refusal }
  | { readonly kind: 'error'; readonly error: unknown }
);

/**
 * Sets the headers of the answer to an attempt.
 *
 * @throws the exception of a refusal, or what the application threw
 */
export function answerWith(ending: Ending, response: unknown, responses: Responses): Success {
  const headers: readonly ResponseHeader[] = [...PRIVATE_ANSWER, ['Set-Cookie', ending.setCookies]];
  responses.deliver(response, headers);
  if (ending.kind === 'refusal') {
    throw refuse(ending.refusal, { kind: 'http', response }, responses);
  }
  if (ending.kind === 'error') {
    throw ending.error;
  }
  return ending;
}
