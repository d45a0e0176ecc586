import * as v from 'valibot';

import { isProtocolParameter } from '../authorization/authorization-request.js';
import { scopeSchema } from '../metadata/client-metadata.schema.js';
import { returnUrl } from './return-url.js';

const NOT_A_PATH = 'must be a path of the application, such as /welcome';

/** A path of our own, as a browser would write it; empty where it is none. */
const asPath = (value: string): string =>
  returnUrl(value, { origin: 'https://app.invalid', fallback: '', excluded: [] });

const path = v.pipe(v.string(), v.startsWith('/', NOT_A_PATH), v.transform(asPath), v.nonEmpty(NOT_A_PATH));

/** What a login asks for and where it ends. */
export const loginOptionsSchema = v.strictObject({
  /** Space-separated, with `openid` in it. Default: `openid`, and `client.scope`. */
  scope: v.optional(
    v.pipe(
      scopeSchema,
      v.check((scope) => scope.split(' ').includes('openid'), 'must contain openid'),
    ),
  ),
  /** More authorization parameters, such as `audience`, `prompt` or `ui_locales`; none of the protocol's own. */
  parameters: v.optional(
    v.pipe(
      v.record(v.string(), v.string()),
      v.check(
        (parameters) => !Object.keys(parameters).some(isProtocolParameter),
        'may name no parameter of the protocol',
      ),
    ),
    {},
  ),
  /** How the browser brings the response back. Default `query`; `form_post` needs https. */
  responseMode: v.optional(v.picklist(['query', 'form_post']), 'query'),
  /** Asks the userinfo endpoint too; its claims stand beside those of the ID token. Default false. */
  userinfo: v.optional(v.boolean(), false),
  /** The callback's path as this application sees it, where a proxy cuts a prefix off the registered one. */
  callbackPath: v.optional(v.pipe(path, v.excludes('?', NOT_A_PATH), v.excludes('#', NOT_A_PATH))),
  /** Where a login ends that does not say where it wants to go. Default `/`. */
  defaultReturnTo: v.optional(path, '/'),
  /** Audiences that an ID token may name beside the client. Default none. */
  trustedAudiences: v.optional(v.array(v.pipe(v.string(), v.nonEmpty('must not be empty'))), []),
});

/** `login`, as an application writes it. */
export type LoginOptions = v.InferInput<typeof loginOptionsSchema>;

/** `login`, with its defaults. */
export type LoginSettings = v.InferOutput<typeof loginOptionsSchema>;
