import type { IncomingMessage } from 'node:http';
import type Provider from 'oidc-provider';
import { errors, type ErrorOut, type KoaContextWithOIDC } from 'oidc-provider';
import { signIn } from './accounts.js';
import { html, Html } from './html.js';
import { assets, layout, pageHeaders } from './layout.js';
import { appUrl, issuer, registration } from './settings.js';

type Middleware = Parameters<Provider['use']>[0];
type Context = Parameters<Middleware>[0];

/** What the provider shows a person: its sign-in at `/interaction/:uid`, and the files of its pages. */
export function pages(provider: Provider): Middleware {
  return async (ctx, next) => {
    const [, folder, name = ''] = ctx.path.split('/');
    if (folder === 'interaction') {
      return interaction(provider, ctx);
    }
    const asset = folder === 'assets' && assets.get(name);
    if (!asset) {
      return next();
    }
    ctx.type = asset.type;
    ctx.body = asset.body;
  };
}

/** The provider's cookie ties the page to the browser that came with the request; without it there is no page. */
async function interaction(provider: Provider, ctx: Context): Promise<void> {
  try {
    if (ctx.method !== 'POST') {
      await provider.interactionDetails(ctx.req, ctx.res);
      return show(ctx, 'Sign in', signInPage);
    }
    const login = (await readForm(ctx.req)).get('login')?.trim().slice(0, 64);
    const result = login
      ? { login: { accountId: signIn(login).sub } }
      : { error: 'access_denied', error_description: 'The user went back' };
    const back = await provider.interactionResult(ctx.req, ctx.res, result, { mergeWithLastSubmission: false });
    ctx.status = 303;
    ctx.redirect(back);
  } catch (error) {
    if (!(error instanceof errors.SessionNotFound)) {
      throw error;
    }
    ctx.status = 400;
    show(ctx, 'Sign in again', errorPage('This sign-in is over, or was begun in another browser.'));
  }
}

/**
 * RP-initiated logout: the application sends the ID token along, so the provider knows who asks and need not ask back.
 * Anybody else who leads a person here gets the question.
 */
export function renderLogout(ctx: KoaContextWithOIDC, form: string): void {
  const asked = ctx.oidc.entities.IdTokenHint === undefined;
  show(ctx, 'Sign out', logoutPage(new Html(form), asked), asked ? undefined : 'submit.js');
}

export function renderLoggedOut(ctx: KoaContextWithOIDC): void {
  show(ctx, 'Signed out', errorPage('You are signed out.'));
}

export function renderError(ctx: KoaContextWithOIDC, { error, error_description }: ErrorOut): void {
  show(ctx, 'That did not work', errorPage(error_description ?? error));
}

function show(ctx: Pick<Context, 'set' | 'body'>, title: string, content: Html, script?: string): void {
  const body = html`<main class="card narrow">
    <p class="eyebrow">Demo provider at ${new URL(issuer).host}</p>
    <h1>${title}</h1>
    ${content}
  </main>`;
  ctx.set(pageHeaders(appUrl));
  ctx.body = layout({ title, body, ...(script && { script }) });
}

const signInPage = html`
  <p class="lede">to continue to <strong>${registration.client_name}</strong></p>
  <form method="post" class="stack">
    <label for="login">Your name</label>
    <input id="login" name="login" autocomplete="username" maxlength="64" aria-describedby="any" required autofocus />
    <p class="hint" id="any">Any name will do. This provider is a demo and asks for no password.</p>
    <button type="submit" class="primary">Continue</button>
  </form>
  <form method="post" class="row quiet">
    <button type="submit" name="login" value="Ada Lovelace">I am Ada Lovelace</button>
    <button type="submit" name="login" value="">Go back</button>
  </form>
`;

function logoutPage(form: Html, asked: boolean): Html {
  return html`
    <p class="lede">${asked ? 'Do you want to sign out of the provider?' : 'One moment, you are being signed out.'}</p>
    ${form}
    <p class="row">
      <button type="submit" form="op.logoutForm" name="logout" value="yes" class="primary">Sign out</button>
      ${asked && html`<a class="button" href="${appUrl}/">Stay signed in</a>`}
    </p>
  `;
}

function errorPage(sentence: string): Html {
  return html`
    <p class="lede">${sentence}</p>
    <p><a class="button primary" href="${appUrl}/">To the application</a></p>
  `;
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  let body = '';
  for await (const chunk of request) {
    body += String(chunk);
    if (body.length > 4096) {
      throw new errors.InvalidRequest('the form is too large');
    }
  }
  return new URLSearchParams(body);
}
