import * as v from 'valibot';

import { isLoopback, parsedUrl } from '../values/url.js';
import { tenantsSchema } from './tenants.js';

/** The address of a server, or of something there. */
const address = v.pipe(
  v.string(),
  v.check((value) => parsedUrl(value) !== undefined, 'must be a URL'),
  v.check((value) => /^https?:$/.test(new URL(value).protocol), 'must be an https URL'),
  v.check((value) => !/[#\s\\]/.test(value), 'must have no fragment'),
  v.check((value) => new URL(value).username === '' && new URL(value).password === '', 'must have no user information'),
);

/** An address that paths are appended to. */
const base = v.pipe(
  address,
  v.check((value) => !value.includes('?'), 'must have no query'),
);

const issuer = v.pipe(
  base,
  v.check((value) => !value.includes('/.well-known/'), 'must be the issuer, not the address of its metadata'),
);

const document = v.picklist(['openid-configuration', 'oauth-authorization-server']);

const identifier = v.pipe(v.string(), v.nonEmpty('must not be empty'));

/** Schemas of the options that say where the server is and how its metadata is found. */
export const serverOptionsSchema = {
  issuer,
  backchannelUrl: v.optional(base),
  tenants: v.optional(tenantsSchema),
  insecureHttp: v.optional(v.boolean(), false),
  server: v.optional(v.objectWithRest({ access_token_issuer: v.optional(identifier) }, v.unknown()), {}),
  discovery: v.optional(
    v.strictObject({
      when: v.optional(v.picklist(['first-use', 'boot']), 'first-use'),
      document: v.optional(document, 'openid-configuration'),
      url: v.optional(address),
    }),
    {},
  ),
};

/** Schema of what is said of another issuer that is trusted, beside our registration there. */
export const trustedServerSchema = v.object({
  issuer,
  backchannelUrl: serverOptionsSchema.backchannelUrl,
  tenants: serverOptionsSchema.tenants,
  discovery: v.optional(v.strictObject({ document: v.optional(document), url: v.optional(address) })),
});

/**
 * Whether an identifier is https (RFC 8414, section 2; RFC 9728, section 1.2).
 *
 * Plain http is taken too for this machine, and where the configuration allows it.
 */
export function isSecure(identifier: string, insecureHttp: boolean): boolean {
  const { protocol, hostname } = new URL(identifier);
  return protocol === 'https:' || insecureHttp || isLoopback(hostname);
}
