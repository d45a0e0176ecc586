import { ACCOUNTS, type Account } from './accounts.js';
import { MACHINE, OPENID_SCOPES, scopesOf, type DevelopmentClient } from './development-client.js';
import { html, type Html } from './html.js';
import { showPage, type PageContext, type PageSettings } from './page.js';
import { indicatorOf } from './resource-indicators.js';

/** An access token that was asked for on the page. */
export interface ShownToken {
  readonly value: string;
  readonly client: DevelopmentClient;
  readonly account: Account;
  readonly scope: string;
  readonly lifetime: number;
}

/** The page at the issuer: access tokens for whoever develops an API, by hand and by curl. */
export function showTokenPage(
  context: PageContext,
  settings: PageSettings,
  clients: readonly DevelopmentClient[],
  token?: ShownToken,
): void {
  const isChosen = (sub: string, index: number): boolean => sub === token?.account.sub || (!token && index === 0);
  const apis = clients.filter(({ api }) => api !== undefined);
  const body = html`
    <p class="soft">It signs everybody in without a password, and it forgets all of it when the application stops.</p>
    ${token === undefined ? undefined : shown(token)}
    <h2>An access token of a person</h2>
    <form method="post" action="${settings.base}/">
      ${clientChoice(clients)}
      <fieldset>
        <legend>Person</legend>
        <div class="row">
          ${ACCOUNTS.map(
            ({ sub, name, roles }, index) =>
              html`<label
                ><input type="radio" name="sub" value="${sub}" ${isChosen(sub, index) && 'checked'} /> ${name}
                (${roles.join(', ')})</label
              >`,
          )}
        </div>
      </fieldset>
      <fieldset>
        <legend>Scopes</legend>
        <div class="row">
          ${scopeChoices(clients).map(
            (scope) => html`<label><input type="checkbox" name="scope" value="${scope}" checked /> ${scope}</label>`,
          )}
        </div>
        <input type="text" name="scope" placeholder="others, such as orders:read" aria-label="Other scopes" />
      </fieldset>
      <div class="actions"><button class="primary">Get a token</button></div>
    </form>
    ${apis.map(machine(settings, apis.length > 1))}
  `;
  showPage(context, settings, { title: 'Access tokens', body, isWide: true });
}

function clientChoice(clients: readonly DevelopmentClient[]): Html {
  const [only, ...others] = clients.map(({ client }) => client.metadata.client_id);
  if (others.length === 0) {
    return html`<input type="hidden" name="client_id" value="${only ?? ''}" />`;
  }
  return html`<fieldset>
    <legend>Client</legend>
    <select name="client_id" aria-label="Client">
      ${clients.map(
        ({ client: { metadata }, api }) =>
          html`<option value="${metadata.client_id}">
            ${metadata.client_id}${api === undefined ? '' : ` for ${api.audiences.join(', ')}`}
          </option>`,
      )}
    </select>
  </fieldset>`;
}

function scopeChoices(clients: readonly DevelopmentClient[]): readonly string[] {
  const all = clients.flatMap(scopesOf).filter((scope) => scope !== 'offline_access');
  return [...new Set(['openid', ...all])];
}

function shown({ value, client, account: { name }, scope, lifetime }: ShownToken): Html {
  const { api } = client;
  const audience = api?.audiences[0];
  return html`
    <h2>The token</h2>
    <p class="soft">
      For ${name}, audience ${audience ?? 'userinfo'}, with <code>${scope}</code>, for ${lifetime / 60} minutes.
      ${api?.isBindingRequired && 'This API takes only tokens that are bound to a key; this one is not.'}
    </p>
    <pre class="token" tabindex="0"><code id="token">${value}</code></pre>
    <pre tabindex="0"><code>curl -i ${api?.url ?? 'http://127.0.0.1:3000/'} \\
  -H "Authorization: Bearer ${value}"</code></pre>
    <p class="hint">Add a route's path to the address.</p>
  `;
}

/** Client credentials: the machine is registered at each provider for development. */
function machine({ issuer, base }: PageSettings, isOneOfMany: boolean) {
  return (client: DevelopmentClient): Html => {
    const [audience = ''] = client.api?.audiences ?? [];
    const scopes = scopesOf(client).filter((scope) => !OPENID_SCOPES.includes(scope));
    return html`
      <h2>An access token of a machine</h2>
      ${isOneOfMany && html`<p class="soft">For ${audience}.</p>`}
      <pre
        tabindex="0"
      ><code>curl -s -u ${MACHINE.client_id}:${MACHINE.client_secret} -d grant_type=client_credentials \\
  ${isOneOfMany && `--data-urlencode 'resource=${indicatorOf(audience)}' `}${scopes.length > 0 && `-d 'scope=${scopes.join(' ')}' `}${issuer.origin}${base}/token</code></pre>
    `;
  };
}
