import type { Answer } from './http-answer.js';
import type { Recorded } from './loopback-server.js';

export const NO_STORE = { 'cache-control': 'no-store' } as const;

export function oauthError(status: number, error: string): Answer {
  return { status, headers: NO_STORE, body: { error } };
}

/** RFC 6749, section 5.2: with a challenge where the client used a header. */
export function invalidClient(request: Recorded): Answer {
  const challenge = request.headers.authorization === undefined ? {} : { 'www-authenticate': 'Basic realm="op"' };
  return { status: 401, headers: { ...NO_STORE, ...challenge }, body: { error: 'invalid_client' } };
}

export type Pairs = readonly (readonly [name: string, value: string])[];

/** @param part of the URL that carries the parameters; what stands in its query already stays */
export function redirect(target: string, parameters: Pairs, part: 'search' | 'hash' = 'search'): Answer {
  const url = new URL(target);
  const added = new URLSearchParams(part === 'search' ? url.search : '');
  parameters.forEach(([name, value]) => added.append(name, value));
  url[part] = added.toString();
  return { status: 303, headers: { location: url.href } };
}

/** OAuth 2.0 Form Post Response Mode, section 2. */
export function formPost(target: string, parameters: Pairs): Answer {
  const fields = parameters.map(
    ([name, value]) => `<input type="hidden" name="${escape(name)}" value="${escape(value)}">`,
  );
  return {
    headers: { 'content-type': 'text/html; charset=utf-8', ...NO_STORE },
    body: `<!doctype html><body onload="document.forms[0].submit()"><form method="post" action="${escape(target)}">${fields.join('')}</form>`,
  };
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
