import { hash } from 'node:crypto';

import { PRIVATE_ANSWER, type ResponseHeader } from '../../nest/answer.js';
import type { Watch } from './check-session.js';

/** Milliseconds between two questions. They go from frame to frame, and over no network. */
const INTERVAL = 2000;

/**
 * Asks the provider's frame, and believes no other. What it tells the page around is `changed` or `error`, as the
 * specification names them. Where the provider calls a state changed that it has just given, another login would not help
 * either: that is an error, which ends the questions.
 */
const SCRIPT = `
const { state, frame, message, next, renewed } = document.body.dataset;
const tell = (what) => parent !== window && parent.postMessage(what, location.origin);
if (state !== undefined) {
  tell(state);
} else {
  const { origin } = new URL(frame);
  const provider = document.createElement('iframe');
  const ask = () => provider.contentWindow.postMessage(message, origin);
  let timer;
  let answers = 0;
  provider.addEventListener('load', () => {
    clearInterval(timer);
    timer = setInterval(ask, ${INTERVAL});
    ask();
  });
  addEventListener('message', ({ origin: sender, source, data }) => {
    if (sender !== origin || source !== provider.contentWindow) return;
    answers += 1;
    if (data !== 'changed' && data !== 'error') return;
    clearInterval(timer);
    provider.remove();
    if (data === 'changed' && !(renewed && answers === 1)) location.replace('?' + next);
    else tell('error');
  });
  provider.src = frame;
  document.body.append(provider);
}
`;

const SCRIPT_HASH = hash('sha256', SCRIPT, 'base64');

/** Headers of the page. It shows the provider's frame alone, and only our own pages may show it. */
export function checkSessionHeaders(frame: URL): readonly ResponseHeader[] {
  const policy = [
    "default-src 'none'",
    `script-src 'sha256-${SCRIPT_HASH}'`,
    `frame-src ${frame.origin}`,
    "frame-ancestors 'self'",
    "base-uri 'none'",
    "form-action 'none'",
  ];
  return [
    ...PRIVATE_ANSWER,
    ['Content-Type', 'text/html; charset=utf-8'],
    ['Content-Security-Policy', policy.join('; ')],
    // A middleware may have set DENY for all pages.
    ['X-Frame-Options', 'SAMEORIGIN'],
  ];
}

/** The page that watches a session. */
export function watchingPage(frame: URL, { message, next, isRenewed }: Watch): string {
  return page({ frame: frame.href, message, next, ...(isRenewed && { renewed: '1' }) });
}

/** The page that tells the page around it, once. */
export function tellingPage(state: 'changed' | 'error'): string {
  return page({ state });
}

function page(data: Readonly<Record<string, string>>): string {
  const attributes = Object.entries(data).map(([name, value]) => ` data-${name}="${escaped(value)}"`);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Session</title>
<body${attributes.join('')}>
<script>${SCRIPT}</script>
</body>
</html>
`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
