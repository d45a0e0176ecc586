import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

import type Provider from 'oidc-provider';

import { ConfigError } from '../errors/errors.js';
import { textMember } from '../values/member.js';
import { MACHINE, type DevelopmentClient } from './development-client.js';
import { MemoryStorage } from './memory-storage.js';
import type { OidcProvider } from './oidc-provider.js';
import { targetOf, type PageSettings } from './page.js';
import { DEFAULT_ALGORITHMS } from './provider-algorithms.js';
import { algorithmsOf, MACHINE_CLIENT, matchRedirectUris, providerClient } from './provider-client.js';
import { providerConfiguration } from './provider-configuration.js';
import { ProviderKeys } from './provider-keys.js';
import { ProviderPages } from './provider-pages.js';
import { TokenIssuer } from './token-issuer.js';
import { UserinfoTokens } from './userinfo-tokens.js';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * Provider for development: `oidc-provider` with two end-users who have no password, and a page that gives tokens.
 *
 * It lets everybody in. All that it knows is in memory, keys included.
 */
export class DevelopmentProvider {
  readonly #issuer: URL;
  /** Path of the issuer, without a slash at its end. */
  readonly base: string;
  #clients = new Map<string, DevelopmentClient>();
  readonly #keys = new ProviderKeys();
  readonly #cookieKey = randomBytes(32).toString('base64url');
  readonly #storage = new MemoryStorage(async (id) => this.#registered(id));
  readonly #userinfo: UserinfoTokens;
  #handler: Handler | undefined;

  constructor(
    private readonly identifier: string,
    private readonly oidcProvider: OidcProvider,
  ) {
    this.#issuer = new URL(identifier);
    this.base = this.#issuer.pathname.replace(/\/$/, '');
    this.#userinfo = new UserinfoTokens(
      this.#storage.adapter('AccessToken'),
      () => oidcProvider.default.ctx?.oidc.route === 'userinfo',
    );
  }

  /**
   * Registers a client, beside those that are there. What was issued stays good.
   *
   * @throws {ConfigError} the provider does not support what is registered
   */
  async add(client: DevelopmentClient): Promise<void> {
    const { client_id } = client.client.metadata;
    const before = [...this.#clients];
    this.#clients.set(client_id, client);
    try {
      const { provider, handler } = await this.#construct();
      await provider.Client.find(client_id);
      this.#handler = handler;
    } catch (error) {
      this.#clients = new Map(before);
      if (error instanceof ConfigError) {
        throw error;
      }
      // No cause: it may hold a key of the provider.
      const problem = textMember(error, 'error_description') || textMember(error, 'message');
      throw new ConfigError('INVALID_CONFIG', 'client', `is not taken by the provider for development: ${problem}`);
    }
  }

  /** @param request whose path is the one below the issuer */
  handle(request: IncomingMessage, response: ServerResponse): void {
    this.#handler?.(request, response);
  }

  async #registered(id: string) {
    const client = this.#clients.get(id);
    return client === undefined ? (id === MACHINE.client_id ? MACHINE_CLIENT : undefined) : providerClient(client);
  }

  /** A provider reads its configuration once. Another client means another one, over the same keys and the same storage. */
  async #construct(): Promise<{ readonly provider: Provider; readonly handler: Handler }> {
    const { oidcProvider } = this;
    const clients = [...this.#clients.values()];
    const settings = this.#settings(clients);
    const configuration = providerConfiguration({
      oidcProvider,
      clients,
      keys: await this.#keys.of([...DEFAULT_ALGORITHMS, ...clients.flatMap(algorithmsOf)]),
      adapter: (kind) => (kind === 'AccessToken' ? this.#userinfo.adapter : this.#storage.adapter(kind)),
      cookieKey: this.#cookieKey,
      settings,
    });
    const provider = new oidcProvider.default(this.identifier, configuration);
    matchRedirectUris(provider, clients);
    const tokens = new TokenIssuer(provider, clients, this.#userinfo.keep);
    provider.use(new ProviderPages(provider, oidcProvider, settings, tokens).middleware);
    provider.use(async (context, next) => {
      await next();
      await this.#userinfo.keepFrom({ oidc: context.oidc, body: context.body });
    });
    return { provider, handler: provider.callback() };
  }

  #settings(clients: readonly DevelopmentClient[]): PageSettings {
    const uris = clients.flatMap(({ client: { metadata } }) => [
      ...(metadata.redirect_uris ?? []),
      ...(metadata.post_logout_redirect_uris ?? []),
    ]);
    return { issuer: this.#issuer, base: this.base, targets: [...new Set(uris.map(targetOf))] };
  }
}
