import { Readable } from 'node:stream';

import { answered, PRIVATE_ANSWER, type ResponseHeader } from '../nest/answer.js';
import { refuse, type Refusal } from '../nest/refusal.js';
import type { Responses } from '../nest/responses.js';
import type { JsonValue } from '../values/json.js';
import { FRAGMENT_PAGE, FRAGMENT_PAGE_HEADERS } from './fragment-page.js';

/** A successful attempt: a redirect to the provider, or a user at the callback. */
export type Success =
  | { readonly kind: 'redirect'; readonly location: string }
  | { readonly kind: 'user'; readonly user: JsonValue; readonly returnTo: string };

/** Outcome of an attempt, with its `Set-Cookie` lines. */
export type Outcome = { readonly setCookies: readonly string[] } & (
  | { readonly location: string }
  | { readonly user: JsonValue; readonly returnTo: string }
  | { readonly page: 'fragment' }
  | { readonly error: unknown }
);

/** The result of a login attempt, with its `Set-Cookie` lines. An error is the application's own and thrown as it is. */
export type Ending = { readonly setCookies: readonly string[] } & (
  | Success
  | { readonly kind: 'page' }
  | { readonly kind: 'refusal'; readonly refusal: Refusal }
  | { readonly kind: 'error'; readonly error: unknown }
);

/**
 * Sets the headers of the answer to an attempt. It never settles where the fragment page was the answer.
 *
 * @throws the exception of a refusal, or the application's own error
 */
export async function answerWith(ending: Ending, response: unknown, responses: Responses): Promise<Success> {
  const headers: readonly ResponseHeader[] = [...PRIVATE_ANSWER, ['Set-Cookie', ending.setCookies]];
  responses.deliver(response, headers);
  if (ending.kind === 'refusal') {
    throw refuse(ending.refusal, response, responses);
  }
  if (ending.kind === 'error') {
    throw ending.error;
  }
  if (ending.kind === 'page') {
    responses.deliver(response, FRAGMENT_PAGE_HEADERS);
    await responses.stream(response, 200, 'text/html; charset=utf-8', Readable.from([FRAGMENT_PAGE]));
    return answered();
  }
  return ending;
}
