import type { OidcUser, SessionContent } from 'nestjs-oidc';

/** The page of the application: for a stranger, and for a person who is signed in. */
export function page(session: SessionContent<OidcUser> | undefined): string {
  return `<!doctype html>
<html lang="en">
  <meta charset="utf-8" />
  <meta name="viewport" content="width=device-width" />
  <meta name="color-scheme" content="light dark" />
  <title>Web application</title>
  <style>
    body { font: 1.125rem/1.5 system-ui; max-width: 38rem; margin: 4rem auto; padding: 0 1rem }
    dt { opacity: 0.7 } dd { margin: 0 0 0.75rem }
    form { display: inline-block; margin: 0 0.5rem 0.5rem 0 } button { font: inherit; padding: 0.25rem 0.75rem }
  </style>
  ${session ? signedIn(session) : SIGNED_OUT}
</html>
`;
}

const SIGNED_OUT = `<h1>Who are you?</h1>
  <p>Any name and any password will do.</p>
  <p><a href="/auth/login">Sign in</a></p>
  <p><a href="/auth/login?remember=true">Sign in, and stay signed in when the browser is closed</a></p>`;

function signedIn({ user, tokens, expiresAt }: SessionContent<OidcUser>): string {
  const tokenEnds = tokens.expires_at === undefined ? 'when the provider says so' : time(tokens.expires_at * 1000);
  return `<h1>${escaped(user.claims['name'] ?? user.sub)}</h1>
  <dl>
    <dt>The session ends</dt><dd>${time(expiresAt)}</dd>
    <dt>Its access token ends</dt><dd>${tokenEnds}; reload the page ahead of it, and it is a new one</dd>
  </dl>
  <p><a href="/account">Call an API with the access token</a></p>
  ${button('/account/refresh', 'Refresh now')}
  ${button('/auth/logout', 'Sign out')}
  ${button('/account/sign-out-everywhere', 'Sign out everywhere')}`;
}

function button(action: string, text: string): string {
  return `<form method="post" action="${action}"><button>${text}</button></form>`;
}

function time(milliseconds: number): string {
  const iso = new Date(milliseconds).toISOString();
  return `<time datetime="${iso}">${iso.slice(11, 19)} UTC</time>`;
}

function escaped(value: unknown): string {
  return String(value).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
