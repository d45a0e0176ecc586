import { createHash, randomBytes } from 'node:crypto';

import type { Answer } from './http-answer.js';
import { cookieOf, type Recorded } from './loopback-server.js';
import { NO_STORE } from './oauth-answers.js';

/** The cookie whose value is the browser's state at the provider. Its own page reads it, so that it is not HttpOnly. */
const COOKIE = 'op-browser-state';

/** The browser's state at the provider; undefined: nobody is signed in there. */
export function browserState(request: Recorded): string | undefined {
  return cookieOf(request, COOKIE);
}

export function newBrowserState(): string {
  return randomBytes(12).toString('base64url');
}

/** Sets the state of a browser; undefined: nobody is signed in any more. */
export function withBrowserState(answer: Answer, state: string | undefined): Answer {
  const line = `${COOKIE}=${state ?? ''}; Path=/; SameSite=Lax${state === undefined ? '; Max-Age=0' : ''}`;
  return { ...answer, headers: { ...answer.headers, 'set-cookie': line } };
}

/** OpenID Connect Session Management 1.0, section 3.2: a salted hash of client, origin and browser state. */
export function sessionState(clientId: string, redirectUri: string, state: string): string {
  const salt = randomBytes(6).toString('hex');
  const text = `${clientId} ${new URL(redirectUri).origin} ${state} ${salt}`;
  return `${createHash('sha256').update(text).digest('hex')}.${salt}`;
}

/** The frame of OpenID Connect Session Management 1.0, section 3.2. It answers nobody but the page around it. */
const FRAME = `<!doctype html>
<title>OP frame</title>
<script>
  const hash = async (text) => {
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
    return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  };
  const answer = async (message, origin) => {
    const [, clientId, expected, salt] = /^([^ ]+) ([^ .]+)\\.([^ ]+)$/.exec(message) ?? [];
    if (salt === undefined) return 'error';
    const [, state = ''] = /(?:^|; )${COOKIE}=([^;]*)/.exec(document.cookie) ?? [];
    return (await hash([clientId, origin, state, salt].join(' '))) === expected ? 'unchanged' : 'changed';
  };
  addEventListener('message', async (event) => {
    if (event.source !== parent) return;
    const said = await answer(event.data, event.origin);
    // First: who hears that something has changed may take the frame away.
    await fetch('told?' + new URLSearchParams({ asked: event.data, said }));
    event.source.postMessage(said, event.origin);
  });
</script>
`;

/** The `check_session_iframe`. */
export function checkSession(): Promise<Answer> {
  return Promise.resolve({ headers: { ...NO_STORE, 'content-type': 'text/html; charset=utf-8' }, body: FRAME });
}

/** What the frame was asked and said, for whoever records requests. */
export function told(): Promise<Answer> {
  return Promise.resolve({ status: 204 });
}
