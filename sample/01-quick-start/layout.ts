import { readFileSync } from 'node:fs';
import { html, type Html } from './html.js';

interface Page {
  readonly title: string;
  readonly body: Html;
  /** an asset to run on the page */
  readonly script?: string;
}

/** The document around a page. */
export function layout({ title, body, script }: Page): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <link rel="icon" href="/assets/icon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/assets/page.css" />
        ${script && html`<script type="module" src="/assets/${script}"></script>`}
      </head>
      <body>
        ${body}
      </body>
    </html>`.toString();
}

/** Nothing inline and nothing from elsewhere. A form may also lead to `origin`: browsers check redirects as well. */
export function pageHeaders(origin: string): Record<string, string> {
  return {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': [
      "default-src 'none'",
      "style-src 'self'",
      "script-src 'self'",
      "img-src 'self'",
      "connect-src 'self'",
      `form-action 'self' ${origin}`,
      "base-uri 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
    'Cache-Control': 'no-store',
    'Referrer-Policy': 'same-origin',
    'X-Content-Type-Options': 'nosniff',
  };
}

/** The files in `public`, read once. A name that is not here does not exist. */
export const assets: ReadonlyMap<string, { readonly type: string; readonly body: Buffer }> = new Map(
  Object.entries({
    'page.css': 'text/css; charset=utf-8',
    'call.js': 'text/javascript; charset=utf-8',
    'icon.svg': 'image/svg+xml',
  }).map(([name, type]) => [name, { type, body: readFileSync(new URL(`../public/${name}`, import.meta.url)) }]),
);
