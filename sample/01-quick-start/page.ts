import type { JsonValue, OidcUser } from 'nestjs-oidc';
import { html, type Html } from './html.js';
import { layout } from './layout.js';
import { appUrl, cli, issuer } from './settings.js';

/** The one page of the application: for a stranger, and for a person who is signed in. */
export function page(user: OidcUser | undefined): string {
  return user
    ? layout({ title: 'Signed in', body: html`${bar(signOut)}${signedIn(user)}`, script: 'call.js' })
    : layout({ title: 'Quick start', body: html`${bar()}${signedOut}` });
}

/** A login that came to nothing: what the guard says about it, and the way back. */
export function failedLoginPage(sentence: string): string {
  const body = html`${bar()}
    <main class="card narrow">
      <h1>You are not signed in</h1>
      <p class="lede">${sentence}</p>
      <p class="row">
        <a class="button primary" href="/auth/login">Try again</a>
        <a class="button" href="/">To the start</a>
      </p>
    </main>`;
  return layout({ title: 'Not signed in', body });
}

function bar(action?: Html): Html {
  return html`<header class="bar">
    <a class="brand" href="/"><img src="/assets/icon.svg" alt="" width="30" height="30" />nestjs-oidc</a>
    ${action}
  </header>`;
}

const signOut = html`<form method="post" action="/auth/logout"><button type="submit">Sign out</button></form>`;

const signedOut = html`<main>
  <section class="hero">
    <div>
      <h1>Log a person in. Protect an API.</h1>
      <p class="lede">
        One Nest application and the OpenID Provider that it trusts, both in the process that you started.
      </p>
      <p class="row">
        <a class="button primary large" href="/auth/login">Sign in</a>
        <span class="hint">as Alice or as Bob, without a password</span>
      </p>
    </div>
    <ol class="path" aria-label="What happens when you sign in">
      <li><b>The application</b> sends you to <code>${new URL(issuer).host}</code> with state, nonce and PKCE</li>
      <li><b>The provider</b> asks who you are and sends you back with a code</li>
      <li><b>The application</b> redeems the code, verifies the ID token and seals your session in a cookie</li>
    </ol>
  </section>
  <section class="card" aria-labelledby="terminal">
    <h2 id="terminal">Or from a terminal</h2>
    <p>A machine gets a token of its own. The token may read orders; it may not place any.</p>
    ${command(
      html`Get a token`,
      `token=$(curl -s -u ${cli.client_id}:${cli.client_secret} -d grant_type=client_credentials \\
  -d scope=orders:read ${issuer}/token | node -pe 'JSON.parse(fs.readFileSync(0)).access_token')`,
    )}
    ${command(
      html`<b class="status good">200</b> it has the scope`,
      `curl -i ${appUrl}/api/orders -H "Authorization: Bearer $token"`,
    )}
    ${command(html`<b class="status bad">401</b> there is no token`, `curl -i ${appUrl}/api/orders`)}
    ${command(
      html`<b class="status bad">403</b> the scope is missing`,
      `curl -i -X POST ${appUrl}/api/orders -H "Authorization: Bearer $token"`,
    )}
  </section>
</main>`;

function command(caption: Html, text: string): Html {
  return html`<figure class="command">
    <figcaption>${caption}</figcaption>
    <pre tabindex="0"><code>${text}</code></pre>
  </figure>`;
}

function signedIn({ sub, claims }: OidcUser): Html {
  const name = textOf(claims['name'] ?? sub);
  return html`<main>
    <section class="who">
      <span class="avatar" aria-hidden="true">${initials(name)}</span>
      <div>
        <p class="eyebrow">Signed in as</p>
        <h1>${name}</h1>
        <p class="hint">${textOf(claims['email'] ?? '')}</p>
      </div>
    </section>
    <div class="columns">
      <section class="card" aria-labelledby="claims">
        <h2 id="claims">Verified claims</h2>
        <p>What the provider says in your ID token. Signature, issuer, audience, nonce and time were checked.</p>
        <table>
          <thead class="unseen">
            <tr>
              <th scope="col">Claim</th>
              <th scope="col">Value</th>
            </tr>
          </thead>
          <tbody>
            ${Object.entries(claims).map(([claim, value]) => claimRow(claim, value))}
          </tbody>
        </table>
      </section>
      <section class="card" aria-labelledby="api">
        <h2 id="api">Call the API</h2>
        <ol class="path">
          <li><b>Your browser</b> shows its session cookie to <code>/orders</code></li>
          <li><b>The application</b> opens it and takes your access token to <code>/api/orders</code></li>
          <li><b>The API</b> asks the provider about the token, and the provider signs its answer with ES256</li>
        </ol>
        <form id="call" action="/orders"><button type="submit" class="primary">Get my orders</button></form>
        <output id="answer" form="call"></output>
      </section>
    </div>
  </main>`;
}

function claimRow(claim: string, value: JsonValue | undefined): Html {
  return html`<tr>
    <th scope="row"><code>${claim}</code>${meaning.get(claim)}</th>
    <td>${moments.has(claim) && typeof value === 'number' ? moment(value) : textOf(value)}</td>
  </tr>`;
}

/** Seconds since the epoch, as every time in a token (RFC 7519, section 2). */
function moment(seconds: number): Html {
  const iso = new Date(seconds * 1000).toISOString();
  return html`${seconds}<br /><time datetime="${iso}">${iso.replace('T', ' ').replace('.000Z', ' UTC')}</time>`;
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The first letter of the first and of the last word. */
function initials(name: string): string {
  const letters = name.match(/(?<=^|\s)[\p{L}\p{N}]/gu) ?? [];
  return [...letters.slice(0, 1), ...letters.slice(1).slice(-1)].join('').toUpperCase();
}

const moments = new Set(['iat', 'exp', 'nbf', 'auth_time', 'updated_at']);

/** OpenID Connect Core 1.0, sections 2 and 5.1, in a few words. */
const meaning = new Map([
  ['iss', 'who says it'],
  ['sub', 'whom it is about'],
  ['aud', 'whom it is for'],
  ['exp', 'until when'],
  ['iat', 'since when'],
  ['auth_time', 'when you signed in'],
  ['nonce', 'ties it to this login'],
  ['at_hash', 'ties it to the access token'],
  ['sid', 'the session at the provider'],
  ['roles', 'what you may do'],
  ['name', 'your name'],
  ['preferred_username', 'what you are called here'],
  ['email', 'your address'],
  ['email_verified', 'whether it was checked'],
]);
