import * as v from 'valibot';

import { authorizationParametersSchema, isProtocolParameter } from '../authorization/own-parameters.js';
import { RESPONSE_MODE_NAMES } from '../authorization/response-mode.js';
import { scopeSchema } from '../metadata/client-metadata.schema.js';
import { hasOpenid } from '../tokens/openid-scope.js';
import { trustedAudiencesSchema } from '../tokens/trusted-audiences.js';
import { isTaken } from './login-parameters.js';
import { returnUrl } from './return-url.js';

const WRONG_LIFETIME = 'must be 60 to 3600 whole seconds';

const NOT_A_PATH = 'must be a path of the application, such as /welcome';

/** A path of the application, normalized as by a browser; empty if the value is none. */
const asPath = (value: string): string =>
  returnUrl(value, { origin: 'https://app.invalid', fallback: '', excluded: [] });

const path = v.pipe(v.string(), v.startsWith('/', NOT_A_PATH), v.transform(asPath), v.nonEmpty(NOT_A_PATH));

/** Schema of the `login` option. */
export const loginOptionsSchema = v.strictObject({
  /** Requested scopes, space-separated, with `openid`. Default: `openid` and `client.scope`. */
  scope: v.optional(v.pipe(scopeSchema, v.check(hasOpenid, 'must contain openid'))),
  /**
   * More authorization parameters, such as `audience`, `prompt`, `resource`, `claims` or `authorization_details`. Parameters
   * of the protocol are refused.
   */
  parameters: v.optional(
    v.pipe(
      authorizationParametersSchema,
      v.check(
        (parameters) => !Object.keys(parameters).some(isProtocolParameter),
        ({ input }) =>
          `may name no parameter of the protocol: ${Object.keys(input).filter(isProtocolParameter).join(', ')}`,
      ),
    ),
    {},
  ),
  /** Authorization parameters that a link to the login may choose, such as `login_hint`. Default none. */
  allow: v.optional(
    v.pipe(
      v.array(v.pipe(v.string(), v.regex(/^[\w.:-]{1,64}$/, 'must be the name of a parameter'))),
      v.check(
        (names) => !names.some(isTaken),
        ({ input }) =>
          `may name no parameter of the protocol or of the login itself: ${input.filter(isTaken).join(', ')}`,
      ),
    ),
    [],
  ),
  /**
   * The response mode: `query`, `fragment`, `form_post`, or a signed response (JARM) by `jwt`, `query.jwt`, `fragment.jwt`,
   * `form_post.jwt`. Default: `jwt` where `client.authorization_signed_response_alg` is registered, else `query` for the response
   * type `code` and `fragment` for any other. `form_post` needs https; tokens can't be in the query.
   */
  responseMode: v.optional(v.picklist(RESPONSE_MODE_NAMES)),
  /** Seconds that a person may take at the provider; then the login begins again, once. Default 600, at most 3600. */
  transactionLifetime: v.optional(
    v.pipe(v.number(), v.integer(WRONG_LIFETIME), v.minValue(60, WRONG_LIFETIME), v.maxValue(3600, WRONG_LIFETIME)),
    600,
  ),
  /** Calls the userinfo endpoint too and adds its claims to those of the ID token. Default false. */
  userinfo: v.optional(v.boolean(), false),
  /** The callback's path in this application, for a proxy that removes a prefix from the registered path. */
  callbackPath: v.optional(v.pipe(path, v.excludes('?', NOT_A_PATH), v.excludes('#', NOT_A_PATH))),
  /** The path to go to after a login without a return URL. Default `/`. */
  defaultReturnTo: v.optional(path, '/'),
  /** Audiences that an ID token may have beside the client: a list, or `azp` for any of a token issued to it. Default none. */
  trustedAudiences: trustedAudiencesSchema,
  /** `unsupported`: the provider returns no `nonce`, as LinkedIn; it has to check PKCE. Default `required`. */
  nonce: v.optional(v.picklist(['required', 'unsupported']), 'required'),
});

/** `login`, as an application writes it. */
export type LoginOptions = v.InferInput<typeof loginOptionsSchema>;

/** `login`, with its defaults. */
export type LoginSettings = v.InferOutput<typeof loginOptionsSchema>;
