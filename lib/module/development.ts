import type { DevelopmentApi, DevelopmentClient } from '../development/development-client.js';
import type { AcquiredProvider } from '../development/running-servers.js';
import type { OperatorPort } from '../events/operator-events.js';
import { isLoopback } from '../values/url.js';
import type { ParsedOptions } from './oidc.options.js';

/**
 * Registers the client at a provider for development; undefined: the options ask for none, or none may start. Only here is
 * its code loaded.
 *
 * An issuer on another machine, or by TLS, is a real one. It is never replaced by a provider that lets everybody in.
 *
 * @throws {ConfigError} the provider can't start, or does not take the client
 */
export async function acquireDevelopmentProvider(
  options: ParsedOptions,
  operator: OperatorPort,
): Promise<AcquiredProvider | undefined> {
  const { development, issuer } = options;
  if (!development) {
    return undefined;
  }
  if (!isReplaceable(options)) {
    operator.report({ kind: 'development-provider', issuer, state: 'elsewhere' });
    return undefined;
  }
  const { acquireProvider } = await import('../development/running-servers.js');
  const provider = await acquireProvider(developmentClient(options));
  operator.report({ kind: 'development-provider', issuer, state: provider.state });
  return provider;
}

/** Whether the issuer is a place that this process may listen at. */
function isReplaceable({ issuer, backchannelUrl }: ParsedOptions): boolean {
  const { protocol, hostname } = new URL(issuer);
  return protocol === 'http:' && isLoopback(hostname) && backchannelUrl === undefined;
}

function developmentClient(options: ParsedOptions): DevelopmentClient {
  const { issuer, client, login } = options;
  return { issuer, client, scope: login.scope ?? '', api: developmentApi(options) };
}

function developmentApi({ resourceServer, client }: ParsedOptions): DevelopmentApi | undefined {
  if (resourceServer === undefined) {
    return undefined;
  }
  const { audience, resource, validation, accessTokens, algorithms, dpop, mtls, isBindingRequired } = resourceServer;
  const { client_id, redirect_uris = [] } = client.metadata;
  const audiences = audience === false ? [resource ?? client_id] : [audience].flat();
  return {
    audiences,
    // Where the browser finds the application; an audience is a name, though it may look like an address.
    url: [...redirect_uris.map(originOf), resource, ...audiences].find(isHttp),
    // Where a route may introspect: oidc-provider does not introspect JWTs.
    format: validation === 'jwt' ? 'jwt' : 'opaque',
    algorithm: algorithms === undefined || algorithms.includes('RS256') ? 'RS256' : String(algorithms[0]),
    profile: accessTokens,
    isBindingRequired: [isBindingRequired, dpop?.required, mtls?.required].includes(true),
  };
}

function originOf(uri: string): string {
  return `${new URL(uri).origin}/`;
}

function isHttp(url: string | undefined): boolean {
  return url !== undefined && /^https?:\/\//.test(url);
}
