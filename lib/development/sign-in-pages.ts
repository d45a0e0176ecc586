import type { ErrorOut, KoaContextWithOIDC } from 'oidc-provider';

import { ACCOUNTS, type Account } from './accounts.js';
import { html, trusted, type Html } from './html.js';
import { showPage, showSentence, type PageContext, type PageSettings } from './page.js';

/** Name of the buttons of a sign-in: the account's `sub`, or nothing to go back. */
export const CHOICE = 'choice';

/** The choice of an account, in place of a password. */
export function showSignIn(context: PageContext, settings: PageSettings, clientName: string): void {
  const body = html`
    <p class="soft">to continue to <strong>${clientName}</strong></p>
    <form method="post">
      <div class="choices">${ACCOUNTS.map(accountButton)}</div>
      <p class="hint">Nobody has a password: this provider is for development.</p>
      <div class="actions"><button name="${CHOICE}" value="">Go back</button></div>
    </form>
  `;
  showPage(context, settings, { title: 'Sign in', body });
}

function accountButton({ sub, name, email, roles }: Account): Html {
  return html`<button class="account" name="${CHOICE}" value="${sub}">
    <span class="avatar" aria-hidden="true">${name.slice(0, 1)}</span>
    <span>${name}<span class="hint">${email} · ${roles.join(', ')}</span></span>
  </button>`;
}

/** Consent, where a client asks for it (`prompt=consent`). */
export function showConsent(context: PageContext, settings: PageSettings, clientName: string, scope: string): void {
  const body = html`
    <p class="soft"><strong>${clientName}</strong> asks for <code>${scope}</code></p>
    <form method="post">
      <div class="actions">
        <button name="${CHOICE}" value="allow" class="primary">Allow</button>
        <button name="${CHOICE}" value="">Go back</button>
      </div>
    </form>
  `;
  showPage(context, settings, { title: 'Allow access', body });
}

/**
 * RP-initiated logout. A client that sends the ID token along has signed the person in, so that nobody is asked. Anybody
 * else may have led them here.
 */
export function showLogout(context: KoaContextWithOIDC, settings: PageSettings, form: string): void {
  const isAsked = context.oidc.entities.IdTokenHint === undefined;
  const body = html`
    <p class="soft">
      ${isAsked ? 'Do you want to sign out of this provider?' : 'One moment, you are being signed out.'}
    </p>
    ${trusted(form)}
    <div class="actions">
      <button form="op.logoutForm" name="logout" value="yes" class="primary">Sign out</button>
      ${isAsked && html`<button form="op.logoutForm">Stay signed in</button>`}
    </div>
  `;
  showPage(context, settings, { title: 'Sign out', body, script: isAsked ? undefined : 'submit.js' });
}

/** The code of a device, to enter or to confirm (RFC 8628, section 3.3). */
export function showUserCode(
  context: PageContext,
  settings: PageSettings,
  form: string,
  formId: string,
  sentence: string,
): void {
  const body = html`
    <p class="soft">${sentence}</p>
    ${trusted(form)}
    <div class="actions"><button form="${formId}" class="primary">Continue</button></div>
  `;
  showPage(context, settings, { title: 'Connect a device', body });
}

export function showError(
  context: PageContext,
  settings: PageSettings,
  { error, error_description = '' }: ErrorOut,
): void {
  showSentence(context, settings, 'That did not work', `${error}: ${error_description}`);
}
