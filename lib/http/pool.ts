import { Agent, EnvHttpProxyAgent, Pool, type Dispatcher } from 'undici';

import { isLoopback } from '../values/url.js';
import { exchangeOver, type CustomFetch, type Exchange } from './exchange.js';
import type { HttpSettings } from './http.options.js';
import type { Environment, Proxies } from './proxies.js';

/** What calls go through. */
export interface ConnectionsOptions {
  /** Default: pools of our own. */
  readonly dispatcher?: Dispatcher | undefined;
  /** Stands above the dispatcher. */
  readonly fetch?: CustomFetch | undefined;
  /** Names the proxies of our own pools. Default: the environment of the process. */
  readonly environment?: Environment | undefined;
}

/** Connections of our own, and who sends over them. */
export interface OwnPool {
  readonly exchange: Exchange;
  readonly dispatchers: readonly Dispatcher[];
  readonly dispatcherFor: (hostname: string) => Dispatcher;
}

/** How an {@link OwnPool} is made. */
export interface OwnPoolOptions {
  /** Milliseconds that an idle connection is kept. Default: four seconds, or what the server says. */
  readonly idle?: number;
  /** Undefined: every server is called directly. */
  readonly proxies: Proxies | undefined;
}

/**
 * A connection pool with TLS 1.2 and up (RFC 9325). Undici's own time-outs are off, because the deadline is ours.
 *
 * Loopback hosts are never called through a proxy: there, `localhost` is the proxy itself.
 */
export function ownPool(settings: HttpSettings, { idle, proxies }: OwnPoolOptions): OwnPool {
  const tls = { timeout: settings.connectTimeout, minVersion: 'TLSv1.2' } as const;
  const kept = idle === undefined ? {} : { keepAliveTimeout: idle, keepAliveMaxTimeout: idle };
  const options = { headersTimeout: 0, bodyTimeout: 0, ...kept };
  const direct = new Agent({ connect: tls, ...options });
  if (proxies === undefined) {
    return { exchange: exchangeOver(direct), dispatchers: [direct], dispatcherFor: () => direct };
  }
  const proxied = new EnvHttpProxyAgent({
    ...proxies,
    ...options,
    connect: tls,
    proxyTls: tls,
    requestTls: tls,
    // A proxy that does not answer would keep the application from closing.
    clientFactory: (proxy, client) => new Pool(proxy, { ...client, headersTimeout: settings.connectTimeout }),
  });
  const [here, outside] = [exchangeOver(direct), exchangeOver(proxied)];
  return {
    exchange: (outgoing, ...rest) => (isLoopback(new URL(outgoing.url).hostname) ? here : outside)(outgoing, ...rest),
    dispatchers: [direct, proxied],
    dispatcherFor: (hostname) => (isLoopback(hostname) ? direct : proxied),
  };
}
