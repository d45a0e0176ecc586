import type { ProviderContext } from './context.js';
import type { Answer } from './http-answer.js';
import type { Recorded } from './loopback-server.js';

const RELATION = 'http://openid.net/specs/connect/1.0/issuer';

/** WebFinger (RFC 7033, section 4): everybody's issuer is this provider. */
export async function webfinger(op: ProviderContext, request: Recorded): Promise<Answer> {
  const resource = request.query.get('resource');
  if (resource === null || request.query.get('rel') !== RELATION) {
    return { status: 400 };
  }
  const links = [
    { rel: 'http://webfinger.net/rel/profile-page', href: 'https://www.op.test/alice' },
    { rel: RELATION, href: op.issuer },
  ];
  return { headers: { 'content-type': 'application/jrd+json' }, body: { subject: resource, links } };
}
