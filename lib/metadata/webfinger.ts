import * as v from 'valibot';

import { DiscoveryError } from '../errors/errors.js';
import { jsonDocument } from '../http/cached-document.js';
import type { Transport } from '../http/transport.js';
import { isJsonObject, type JsonObject } from '../values/json.js';
import { text } from '../values/member.js';
import { isSpecialAddress } from '../values/special-address.js';
import { parsedUrl } from '../values/url.js';
import { asDiscoveryError } from './discovery.js';
import { callingIssuer, type IssuerCallOptions } from './issuer-calls.js';
import { isSecure, serverOptionsSchema } from './metadata.options.js';

/** The relation of a resource to its issuer (OpenID Connect Discovery 1.0, section 2). */
const ISSUER_RELATION = 'http://openid.net/specs/connect/1.0/issuer';

const MEDIA_TYPES: readonly string[] = ['application/jrd+json', 'application/json'];

/** Beginnings of an XRI, which are read by no WebFinger (section 2.1.1). */
const XRI = /^(?:xri:|[=@!+$(])/i;

/** What a user entered, read: the resource that is asked about, and the host that is asked (section 2.1). */
interface Identifier {
  readonly resource: string;
  readonly host: string;
  readonly protocol: string;
}

/**
 * Finds the issuer of a user with WebFinger (OpenID Connect Discovery 1.0, section 2; RFC 7033): who enters an e-mail address or
 * the URL of a provider is sent to the right one.
 *
 * ```ts
 * const issuer = await discoverIssuer('alice@example.com');
 * ```
 *
 * The user names the host that is called, and this host the issuer. So both are https and no private address, unless
 * `insecureHttp` allows them. A redirect is not followed. What a name resolves to is not looked at: a server of your own that
 * has a certificate for its name can be reached. Take a user to issuers only that you know or mean to register at.
 *
 * @param identifier `acct:alice@example.com`, `alice@example.com`, `https://example.com/alice` or `example.com`
 * @throws {DiscoveryError} `IDENTIFIER_INVALID`, or `ISSUER_NOT_FOUND`
 */
export function discoverIssuer(identifier: string, options: IssuerCallOptions = {}): Promise<string> {
  return callingIssuer(options, (transport) => issuerOf(identifier, transport, options.insecureHttp === true));
}

async function issuerOf(identifier: string, transport: Transport, insecureHttp: boolean): Promise<string> {
  const { resource, host, protocol } = readIdentifier(identifier, insecureHttp);
  const query = `resource=${encodeURIComponent(resource)}&rel=${encodeURIComponent(ISSUER_RELATION)}`;
  const url = `${protocol}//${host}/.well-known/webfinger?${query}`;
  try {
    const headers = { accept: MEDIA_TYPES.join(', ') };
    const response = await transport.request({
      method: 'GET',
      url,
      endpoint: 'webfinger',
      headers,
      retry: 'idempotent',
    });
    const issuer = response.status === 200 ? linkedIssuer(jsonDocument(response, MEDIA_TYPES)) : undefined;
    if (issuer === undefined || !isGoodIssuer(issuer, insecureHttp)) {
      const { facts } = response;
      throw new DiscoveryError('ISSUER_NOT_FOUND', 'The host names no issuer that is taken.', { facts });
    }
    return issuer;
  } catch (error) {
    throw asDiscoveryError(error);
  }
}

/** Section 2.1.2: a text without a scheme is an account if it has a user and nothing behind the host, else a URL. */
function readIdentifier(identifier: string, insecureHttp: boolean): Identifier {
  const entered = identifier.trim();
  const hasScheme = /^(?:acct:|[a-z][a-z\d+.-]*:\/\/)/i.test(entered);
  const isAccount = /^[^@/?#:]+@[^@/?#:]+$/.test(entered);
  const whole = hasScheme ? entered : `${isAccount ? 'acct:' : 'https://'}${entered}`;
  const read = XRI.test(entered) ? undefined : /^acct:/i.test(whole) ? readAccount(whole) : readUrl(whole);
  if (read === undefined || !mayBeCalled(read, insecureHttp)) {
    const message = 'The identifier is no account and no URL whose host may be asked.';
    throw new DiscoveryError('IDENTIFIER_INVALID', message);
  }
  return read;
}

function readAccount(uri: string): Identifier | undefined {
  const [, user, host = ''] = /^acct:([^@/?#\s]+)@([^@/?#\s]+)$/i.exec(uri) ?? [];
  const url = parsedUrl(`https://${host}`);
  return user === undefined || url === undefined ? undefined : { resource: uri, host: url.host, protocol: 'https:' };
}

function readUrl(written: string): Identifier | undefined {
  const url = parsedUrl(written);
  if (url === undefined || /\s/.test(written)) {
    return undefined;
  }
  const { host, protocol } = url;
  return { resource: written.replace(/#.*$/s, ''), host, protocol };
}

function mayBeCalled({ host, protocol }: Identifier, insecureHttp: boolean): boolean {
  const isPublic = protocol === 'https:' && !isSpecialAddress(new URL(`https://${host}`).hostname);
  return isPublic || (insecureHttp && /^https?:$/.test(protocol));
}

function linkedIssuer({ links }: JsonObject): string | undefined {
  const found = Array.isArray(links)
    ? links.filter(isJsonObject).find(({ rel }) => rel === ISSUER_RELATION)
    : undefined;
  return text(found?.['href']);
}

function isGoodIssuer(issuer: string, insecureHttp: boolean): boolean {
  const isIssuer = v.is(serverOptionsSchema.issuer, issuer) && isSecure(issuer, insecureHttp);
  return isIssuer && (insecureHttp || !isSpecialAddress(new URL(issuer).hostname));
}
