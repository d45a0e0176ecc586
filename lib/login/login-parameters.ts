import * as v from 'valibot';

import { isProtocolParameter, isWellFormed } from '../authorization/own-parameters.js';
import { singleParameter } from '../nest/parameters.js';
import { validate } from '../values/validate.js';
import { RELOCATED } from './relocation.js';

/** Query parameter of the return URL. */
export const RETURN_TO = 'returnTo';

/** Query parameter of a login whose session shall outlive the browser: see `session.persistent`. */
export const REMEMBER = 'remember';

/** Characters of a value that a request may choose. The longest address of mail has 254 (RFC 5321, section 4.5.3.1.3). */
const LONGEST_VALUE = 512;

/** Authorization parameters of one login, by name. */
export type LoginParameters = Readonly<Record<string, string>>;

/** Whether the name is one that a request of ours or of the protocol has a meaning for. */
export function isTaken(name: string): boolean {
  return isProtocolParameter(name) || [RETURN_TO, REMEMBER, RELOCATED].includes(name);
}

/**
 * The authorization parameters that a request for a login chooses. One that comes twice, is empty or can't be read is left
 * out: a login must not fail because of a link. So is a prompt that no server takes, `none` beside another (OpenID Connect
 * Core 1.0, section 3.1.2.1): it would come back as a fault of ours.
 *
 * @param allow `login.allow`
 * @param isFresh whether the provider has to ask the person (`max_age` 0): no link can ask for a silent login then
 */
export function requestedParameters(query: string, allow: readonly string[], isFresh: boolean): LoginParameters {
  return Object.fromEntries(
    allow.flatMap((name) => {
      const value = singleParameter(query, name) ?? '';
      const isSilent = name === 'prompt' && value.split(' ').includes('none');
      const isImpossible = isSilent && (isFresh || value !== 'none');
      const isUsable = value !== '' && value.length <= LONGEST_VALUE && isWellFormed(name, value);
      return isUsable && !isImpossible ? [[name, value]] : [];
    }),
  );
}

const ownSchema = v.record(v.string(), v.optional(v.string()));

/**
 * The authorization parameters that the application chose; undefined ones are left out.
 *
 * @throws {ConfigError} one of them is no text
 */
export function ownParameters(given: unknown): LoginParameters {
  const parameters = Object.entries(validate(ownSchema, given, 'OidcLoginGuard.parameters'));
  return Object.fromEntries(parameters.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}
