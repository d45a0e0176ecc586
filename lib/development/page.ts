import type { KoaContextWithOIDC } from 'oidc-provider';

import { html, type Html } from './html.js';

/** What each page knows of the provider that shows it. */
export interface PageSettings {
  readonly issuer: URL;
  /** Path of the issuer, without a slash at its end. */
  readonly base: string;
  /** Where browsers are sent on to after a form: CSP sources of the clients' redirect URIs. */
  readonly targets: readonly string[];
}

interface Page {
  readonly title: string;
  readonly body: Html;
  readonly isWide?: boolean;
  /** An asset that runs on the page. */
  readonly script?: string | undefined;
}

/** The part of Koa's context that a page is written to. */
export type PageContext = Pick<KoaContextWithOIDC, 'set' | 'body' | 'status'>;

export function showPage(
  context: PageContext,
  settings: PageSettings,
  { title, body, isWide = false, script }: Page,
): void {
  const { base, issuer } = settings;
  context.set(pageHeaders(settings));
  context.body = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <link rel="icon" href="${base}/assets/icon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="${base}/assets/page.css" />
        ${script !== undefined && html`<script type="module" src="${base}/assets/${script}"></script>`}
      </head>
      <body>
        <main class="${isWide && 'wide'}">
          <p class="hint">Provider for development at ${issuer.host}</p>
          <h1>${title}</h1>
          ${body}
        </main>
      </body>
    </html>`.toString();
}

/** A page that says one thing. */
export function showSentence(context: PageContext, settings: PageSettings, title: string, sentence: string): void {
  showPage(context, settings, { title, body: html`<p class="soft">${sentence}</p>` });
}

/**
 * Nothing inline, nothing from elsewhere, and in nobody's frame. `form-action` also limits redirects after a form, so the
 * clients' origins are listed; an application under development may have its pages at another port.
 */
function pageHeaders({ targets }: PageSettings): Record<string, string> {
  return {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': [
      "default-src 'none'",
      "style-src 'self'",
      "script-src 'self'",
      "img-src 'self'",
      ["form-action 'self'", 'http://127.0.0.1:*', 'http://localhost:*', ...targets].join(' '),
      "base-uri 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
    'Cache-Control': 'no-store',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    // Not no-referrer: with it browsers say of a form that it comes from nowhere.
    'Referrer-Policy': 'same-origin',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
  };
}

/** The CSP source of a redirect URI: its origin, or the scheme of an application on a device. */
export function targetOf(uri: string): string {
  const { origin, protocol } = new URL(uri);
  return origin === 'null' ? protocol : origin;
}
