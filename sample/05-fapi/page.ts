import type { OidcUser, SessionContent } from 'nestjs-oidc';

/** The page of the application: for a stranger, and for a person who is signed in. */
export function page(session: SessionContent<OidcUser> | undefined): string {
  return `<!doctype html>
<html lang="en">
  <meta charset="utf-8" />
  <meta name="viewport" content="width=device-width" />
  <meta name="color-scheme" content="light dark" />
  <title>FAPI 2.0</title>
  <style>
    body { font: 1.125rem/1.5 system-ui; max-width: 38rem; margin: 4rem auto; padding: 0 1rem }
    dt { opacity: 0.7 } dd { margin: 0 0 0.75rem; overflow-wrap: anywhere } button { font: inherit; padding: 0.25rem 0.75rem }
  </style>
  ${session ? signedIn(session) : SIGNED_OUT}
</html>
`;
}

const SIGNED_OUT = `<h1>Who are you?</h1>
  <p>Any name and any password will do. The terminal shows what the provider is sent.</p>
  <p><a href="/auth/login">Sign in</a></p>`;

function signedIn({ user, tokens }: SessionContent<OidcUser>): string {
  return `<h1>${escaped(user.sub)}</h1>
  <dl>
    <dt>Kind of the access token</dt><dd>${escaped(tokens.token_type)}</dd>
    <dt>The key that it is bound to</dt><dd>${escaped(tokens.dpop_key?.jkt)}</dd>
  </dl>
  <p><a href="/account">Call an API with the access token and a proof of the key</a></p>
  <form method="post" action="/auth/logout"><button>Sign out</button></form>`;
}

function escaped(value: unknown): string {
  return String(value).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
