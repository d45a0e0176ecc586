import { jwtOf } from '../authorization-server/oauth-response.js';
import type { Server } from '../authorization-server/server.js';
import { ResponseError } from '../errors/errors.js';
import { isCallable } from '../metadata/server-metadata.js';
import type { JsonObject } from '../values/json.js';
import { text } from '../values/member.js';
import { isVschars } from '../values/oauth-characters.js';
import { isSpecialAddress } from '../values/special-address.js';
import { isLoopback, locationOf } from '../values/url.js';
import {
  claimSources,
  readSource,
  type ClaimSource,
  type ForeignClaims,
  type ForeignClaimsOptions,
} from './foreign-claims.js';

/** How distributed claims are fetched. */
export interface DistributedClaimsOptions extends ForeignClaimsOptions {
  /**
   * The origins that may be called, such as `https://claims.example.com`. Default: any https origin that is not written as this
   * machine or a private address. Name them where this process reaches servers of your own by https: a name may lead there.
   */
  readonly origins?: readonly string[];
}

/**
 * Distributed claims: those that another party gives at an endpoint of its own (OpenID Connect Core 1.0, section 5.6.2). Each
 * endpoint gets the token that stands beside it, in the Authorization header, and nothing of ours.
 *
 * Whoever writes the claims names the endpoints. So none of them is this machine or a private address, unless the issuer is on
 * this machine too; a redirect is not followed, and an answer is a JWT of limited size.
 *
 * @param claims of an ID token or of userinfo
 */
export function distributedClaims(
  server: Server,
  claims: JsonObject,
  options: DistributedClaimsOptions,
): Promise<readonly ForeignClaims[]> {
  const distributed = claimSources(claims).filter(({ members }) => typeof members['endpoint'] === 'string');
  return Promise.all(
    distributed.map((source) => readSource(source, () => fetchJwt(server, source, options), options, server)),
  );
}

async function fetchJwt(
  server: Server,
  { members }: ClaimSource,
  { origins }: DistributedClaimsOptions,
): Promise<string> {
  const url = text(members['endpoint']) ?? '';
  const access_token = members['access_token'] ?? undefined;
  const hasGoodToken = access_token === undefined || (typeof access_token === 'string' && isVschars(access_token));
  if (!hasGoodToken || !mayBeCalled(url, server) || origins?.includes(new URL(url).origin) === false) {
    const facts = { endpoint: locationOf(url) };
    throw new ResponseError('CLAIM_SOURCE_REFUSED', 'The claims name an endpoint that is not called.', { facts });
  }
  const authorization = access_token !== undefined && { authorization: `Bearer ${access_token}` };
  const headers = { accept: 'application/jwt', ...authorization };
  const response = await server.transport.request({
    method: 'GET',
    url,
    endpoint: 'claims_endpoint',
    headers,
    retry: 'idempotent',
  });
  if (response.status !== 200) {
    const { facts } = response;
    throw new ResponseError('UNEXPECTED_STATUS', `The claims endpoint answered ${response.status}.`, { facts });
  }
  return jwtOf(response);
}

function mayBeCalled(url: string, { issuer }: Server): boolean {
  const isHere = isLoopback(new URL(issuer).hostname);
  return isCallable(url, { issuer, insecureHttp: false }) && (isHere || !isSpecialAddress(new URL(url).hostname));
}
