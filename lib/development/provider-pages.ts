import type Provider from 'oidc-provider';

import { member } from '../values/member.js';
import { findAccount } from './accounts.js';
import { readForm } from './form.js';
import type { OidcProvider } from './oidc-provider.js';
import { PAGE_ASSETS } from './page-assets.js';
import { showSentence, type PageSettings } from './page.js';
import { isOwnForm } from './same-origin.js';
import { CHOICE, showConsent, showSignIn } from './sign-in-pages.js';
import type { TokenIssuer } from './token-issuer.js';

type Middleware = Parameters<Provider['use']>[0];
type Context = Parameters<Middleware>[0];
type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>;
type Result = Parameters<Provider['interactionResult']>[2];

/** What the provider shows beside its own endpoints: the choice of an account, the page for tokens, and their files. */
export class ProviderPages {
  constructor(
    private readonly provider: Provider,
    private readonly oidcProvider: OidcProvider,
    private readonly settings: PageSettings,
    private readonly tokens: TokenIssuer,
  ) {}

  readonly middleware: Middleware = async (context, next) => {
    const [, folder, name = ''] = context.path.split('/');
    const isInteraction = folder === 'interaction';
    if (isInteraction || context.path === '/') {
      if (context.method === 'POST') {
        return this.#submit(context, isInteraction);
      }
      return isInteraction
        ? this.#interact(context, (interaction) => this.#show(context, interaction))
        : this.tokens.show(context, this.settings);
    }
    const asset = folder === 'assets' ? PAGE_ASSETS.get(name) : undefined;
    if (asset === undefined) {
      return next();
    }
    context.set({ 'Content-Type': asset.type, 'X-Content-Type-Options': 'nosniff' });
    context.body = asset.body;
  };

  /** A form of ours. Nobody else's page may sign anybody in or get a token. */
  async #submit(context: Context, isInteraction: boolean): Promise<void> {
    if (!isOwnForm(context.req, this.settings.issuer)) {
      context.status = 403;
      const { issuer, base } = this.settings;
      const sentence = `This form did not come from a page of this provider. Open ${issuer.origin}${base} in a browser.`;
      return showSentence(context, this.settings, 'Not from here', sentence);
    }
    const form = await readForm(context.req);
    if (form === undefined) {
      context.status = 413;
      return showSentence(context, this.settings, 'Too large', 'No form of this provider is so large.');
    }
    if (!isInteraction) {
      return this.tokens.issue(context, this.settings, form);
    }
    return this.#interact(context, async (interaction) => {
      const result = resultOf(interaction, form.get(CHOICE) ?? '');
      const isConsent = interaction.prompt.name === 'consent';
      const options = { mergeWithLastSubmission: isConsent };
      context.status = 303;
      context.redirect(await this.provider.interactionResult(context.req, context.res, result, options));
    });
  }

  /** The provider's cookie binds an interaction to the browser that began it. */
  async #interact(context: Context, work: (interaction: Interaction) => Promise<void>): Promise<void> {
    try {
      await work(await this.provider.interactionDetails(context.req, context.res));
    } catch (error) {
      if (!(error instanceof this.oidcProvider.errors.SessionNotFound)) {
        throw error;
      }
      context.status = 400;
      showSentence(context, this.settings, 'Sign in again', 'This sign-in is over, or was begun in another browser.');
    }
  }

  async #show(context: Context, { prompt, params }: Interaction): Promise<void> {
    const client = await this.provider.Client.find(String(params['client_id']));
    const name = client?.clientName ?? client?.clientId ?? '';
    if (prompt.name === 'consent') {
      return showConsent(context, this.settings, name, String(params['scope'] ?? ''));
    }
    return showSignIn(context, this.settings, name);
  }
}

/** What the end-user chose. Whoever chooses an account is as strongly authenticated as the client asks for. */
function resultOf({ prompt, params }: Interaction, choice: string): Result {
  if (prompt.name === 'consent' && choice === 'allow') {
    return { consent: {} };
  }
  const account = prompt.name === 'consent' ? undefined : findAccount(choice);
  if (account === undefined) {
    return { error: 'access_denied', error_description: 'The end-user went back' };
  }
  const acr = askedAcr(params);
  return { [prompt.name]: {}, login: { accountId: account.sub, ...(acr !== undefined && { acr }) } };
}

/** The strength of authentication that a request asks for, by its claims or by itself (Core 1.0, sections 5.5.1.1, 3.1.2.1). */
function askedAcr({ claims, acr_values }: Interaction['params']): string | undefined {
  const parsed: unknown = typeof claims === 'string' ? JSON.parse(claims) : undefined;
  const acr = member(member(parsed, 'id_token'), 'acr');
  const asked = [
    member(acr, 'value'),
    member(acr, 'values'),
    typeof acr_values === 'string' ? acr_values.split(' ') : [],
  ].flat();
  return asked.find((one): one is string => typeof one === 'string' && one !== '');
}
