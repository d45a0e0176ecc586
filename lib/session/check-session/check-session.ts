import { hash } from 'node:crypto';

import { singleParameter } from '../../nest/parameters.js';
import { isSafeUrl, parsedUrl } from '../../values/url.js';
import type { KeptSession } from '../session.port.js';

/** Query parameter of a page whose session the provider calls changed, and of the page after a silent login. */
const CHANGED = 'changed';
const AFTER = 'after';

/** What the page in the application's hidden frame does (OpenID Connect Session Management 1.0, section 3). */
export type SessionCheck =
  /** Nobody is signed in. */
  | { readonly kind: 'none' }
  /** It asks the provider's frame, again and again. */
  | Watch
  /** It tells the page around it. */
  | { readonly kind: 'tell'; readonly state: 'changed' | 'error' }
  /** It logs the person in again, silently, and comes back with `query`. */
  | { readonly kind: 'renew'; readonly session: KeptSession; readonly query: string }
  /** It ends the session. */
  | { readonly kind: 'end' };

/** A session that a page watches. */
export interface Watch {
  readonly kind: 'watch';
  /** `client_id` and `session_state`. */
  readonly message: string;
  /** The query of the page to go to when the session has changed. */
  readonly next: string;
  /** Whether a silent login has just been there. */
  readonly isRenewed: boolean;
}

/** The URL of the provider's frame; undefined where it publishes none that a page of ours may show. */
export function providerFrame(check_session_iframe: string | undefined): URL | undefined {
  const url = parsedUrl(check_session_iframe ?? '');
  return isSafeUrl(url) ? url : undefined;
}

/**
 * Decides what the page does. After `changed` one silent login is tried. Its end shows in the session: another state of the same
 * person is watched, another person is told to the page around, and the same state means that there was no login.
 *
 * @param query of the request for the page
 */
export function sessionCheck(session: KeptSession | undefined, query: string, clientId: string): SessionCheck {
  const changed = singleParameter(query, CHANGED);
  const after = singleParameter(query, AFTER);
  if (session === undefined) {
    return changed === undefined && after === undefined ? { kind: 'none' } : { kind: 'tell', state: 'changed' };
  }
  const { session_state, sub } = session.identity ?? {};
  if (session_state === undefined || sub === undefined) {
    return { kind: 'tell', state: 'error' };
  }
  const mark = markOf(session_state, sub);
  if (changed === mark) {
    return { kind: 'renew', session, query: `${AFTER}=${mark}` };
  }
  if (after === mark) {
    return { kind: 'end' };
  }
  if (after !== undefined && !isOf(after, sub)) {
    return { kind: 'tell', state: 'changed' };
  }
  const message = `${clientId} ${session_state}`;
  return { kind: 'watch', message, next: `${CHANGED}=${mark}`, isRenewed: after !== undefined };
}

/** Names a session state and its person to nobody but us: the state is salted by the provider, so that none can be guessed. */
function markOf(session_state: string, sub: string): string {
  const state = short(session_state);
  return `${state}.${short(state + sub)}`;
}

function isOf(mark: string, sub: string): boolean {
  const [state = '', person] = mark.split('.');
  return short(state + sub) === person;
}

/** 132 bits. */
function short(text: string): string {
  return hash('sha256', text, 'base64url').slice(0, 22);
}
