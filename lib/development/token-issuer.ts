import type Provider from 'oidc-provider';

import { findAccount, type Account } from './accounts.js';
import type { DevelopmentClient } from './development-client.js';
import { showSentence, type PageContext, type PageSettings } from './page.js';
import { TOKEN_LIFETIME } from './provider-configuration.js';
import { indicatorOf, resourceServer } from './resource-indicators.js';
import { showTokenPage } from './token-page.js';

/** Issues access tokens to whoever asks on the page for tokens. */
export class TokenIssuer {
  constructor(
    private readonly provider: Provider,
    private readonly clients: readonly DevelopmentClient[],
    private readonly onIssued: (value: string, token: InstanceType<Provider['AccessToken']>) => Promise<void>,
  ) {}

  show(context: PageContext, settings: PageSettings): void {
    showTokenPage(context, settings, this.clients);
  }

  /** @param form the client, the account and the scopes */
  async issue(context: PageContext, settings: PageSettings, form: URLSearchParams): Promise<void> {
    const account = findAccount(form.get('sub'));
    const client = this.clients.find(({ client: { metadata } }) => metadata.client_id === form.get('client_id'));
    if (account === undefined || client === undefined) {
      context.status = 400;
      return showSentence(context, settings, 'No token', 'There is no such person, or no such client.');
    }
    const scopes = form.getAll('scope').flatMap((words) => words.split(/\s+/));
    const scope = [...new Set(scopes)].filter(Boolean).join(' ');
    const value = await this.#issue(client, account, scope);
    showTokenPage(context, settings, this.clients, { value, client, account, scope, lifetime: TOKEN_LIFETIME });
  }

  async #issue({ client: { metadata }, api }: DevelopmentClient, { sub }: Account, scope: string): Promise<string> {
    const { Grant, Client, AccessToken, ResourceServer } = this.provider;
    const client = await Client.find(metadata.client_id);
    if (client === undefined) {
      throw new TypeError('The client is not registered.');
    }
    const grant = new Grant({ accountId: sub, clientId: metadata.client_id });
    grant.addOIDCScope(scope);
    const [audience] = api?.audiences ?? [];
    if (audience !== undefined) {
      grant.addResourceScope(indicatorOf(audience), scope);
    }
    const grantId = await grant.save();
    const token = new AccessToken({ accountId: sub, client, grantId, gty: 'development', scope });
    if (api !== undefined && audience !== undefined) {
      token.resourceServer = new ResourceServer(indicatorOf(audience), resourceServer(api, audience, scope));
    }
    const value = await token.save();
    await this.onIssued(value, token);
    return value;
  }
}
