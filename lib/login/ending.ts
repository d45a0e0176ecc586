import { Readable } from 'node:stream';

import { answered, PRIVATE_ANSWER, type ResponseHeader } from '../nest/answer.js';
import { refuse, type Refusal } from '../nest/refusal.js';
import type { Responses } from '../nest/responses.js';
import type { JsonValue } from '../values/json.js';
import { FRAGMENT_PAGE, FRAGMENT_PAGE_HEADERS } from './fragment-page.js';

interface Attempted<Kind extends string> {
  readonly kind: Kind;
  readonly setCookies: readonly string[];
}

/** The browser goes to the provider, or to a path of the application. */
export interface Redirect extends Attempted<'redirect'> {
  readonly location: string;
}

/** Somebody has logged in, at the callback. */
interface LoggedInUser extends Attempted<'user'> {
  readonly user: JsonValue;
  readonly returnTo: string;
}

/** The browser has the response in its fragment, and gets the page that posts it. */
type FragmentPage = Attempted<'page'>;

interface Failure extends Attempted<'error'> {
  readonly error: unknown;
}

interface Refused extends Attempted<'refusal'> {
  readonly refusal: Refusal;
}

/** A successful attempt to log in. */
export type Success = Redirect | LoggedInUser;

/** Outcome of an attempt to log in, with its `Set-Cookie` lines. */
export type Outcome = Success | FragmentPage | Failure;

/** Outcome of an attempt for its answer: an error that is left is the application's own, and thrown as it is. */
export type Ending = Outcome | Refused;

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
