import * as v from 'valibot';

import { accessTokenProfileSchema, type AccessTokenProfile } from './access-token-profile.js';
import { ACCESS_TOKEN_PROFILES, type AccessTokenProfileName } from './access-token-profiles.js';

const NAMES: readonly string[] = Object.keys(ACCESS_TOKEN_PROFILES);

const named = v.pipe(
  v.custom<AccessTokenProfileName>(isName, `must be a profile, or one of ${NAMES.join(', ')}`),
  v.transform((name): AccessTokenProfile => ACCESS_TOKEN_PROFILES[name]),
);

function isName(value: unknown): boolean {
  return typeof value === 'string' && NAMES.includes(value);
}

/** `accessTokens`, as an application writes it. */
export type AccessTokensOption = AccessTokenProfileName | AccessTokenProfile;

/** Its type is written out, because an application may pass lists that are read-only. */
const eitherSchema: v.GenericSchema<AccessTokensOption, AccessTokenProfile> = v.lazy((value) =>
  typeof value === 'string' ? named : accessTokenProfileSchema,
);

/** A profile by its name, or one of one's own. Default `rfc9068`. */
export const accessTokensSchema = v.optional(eitherSchema, 'rfc9068');

/** `accessTokens`, as a profile. */
export type AccessTokensSetting = v.InferOutput<typeof accessTokensSchema>;
