import * as v from 'valibot';

import { isProtocolParameter, isWellFormed } from '../authorization/own-parameters.js';
import { singleParameter } from '../nest/parameters.js';
import * as requests from '../nest/requests.js';
import { given } from '../values/given.js';
import { validate } from '../values/validate.js';
import { RELOCATED } from './relocation.js';

/** Query parameter of the return URL. */
export const RETURN_TO = 'returnTo';

/** Query parameter of a login whose session shall outlive the browser: see `session.persistent`. */
export const REMEMBER = 'remember';

/** What a site that initiates a login may say (OpenID Connect Core 1.0, section 4), beside `login.allow`. */
const OF_INITIATED: readonly string[] = ['login_hint'];

/** Characters of a value that a link may choose. The longest address of mail has 254 (RFC 5321, section 4.5.3.1.3). */
const LONGEST_VALUE = 512;

/** Reads a parameter of a request for a login, by name. */
export type ReadParameter = (name: string) => string | undefined;

/** The reader of a link to the login. A parameter that comes twice or can't be read is as one that is not there. */
export function linkReader(request: unknown): ReadParameter {
  const query = requests.query(request);
  return (name) => singleParameter(query, name);
}

/** Authorization parameters of one login, by name. */
export type LoginParameters = Readonly<Record<string, string>>;

/** Whether the name is one that a request of ours or of the protocol has a meaning for. */
export function isTaken(name: string): boolean {
  return isProtocolParameter(name) || [RETURN_TO, REMEMBER, RELOCATED].includes(name);
}

/** What a request for a login may choose. */
export interface Choice {
  /** Names of parameters: `login.allow`. */
  readonly allow: readonly string[];
  /** Whether another site initiates the login: then values are taken at any length, as the specification says. */
  readonly isInitiated: boolean;
  /** Whether it may ask for a silent login (`prompt=none`) though `prompt` is not among them. */
  readonly maySilently: boolean;
  /** Whether the provider has to ask the person (`max_age` 0): no login is silent then. */
  readonly isFresh: boolean;
}

/**
 * The authorization parameters that a request for a login chooses. One that comes twice, is empty or can't be read is left
 * out: a login must not fail because of a link. So is a prompt that no server takes, `none` beside another (OpenID Connect
 * Core 1.0, section 3.1.2.1): it would come back as a fault of ours.
 *
 * @param read a parameter of the request, by name
 */
export function requestedParameters(
  read: ReadParameter,
  { allow, isInitiated, maySilently, isFresh }: Choice,
): LoginParameters {
  const longest = isInitiated ? Infinity : LONGEST_VALUE;
  const chosen = [...allow, ...(isInitiated ? OF_INITIATED : [])];
  const isAllowed = (name: string, value: string): boolean =>
    name === 'prompt' && value.split(' ').includes('none') ? value === 'none' && !isFresh : chosen.includes(name);
  const names = new Set([...chosen, ...(maySilently ? ['prompt'] : [])]);
  return Object.fromEntries(
    [...names].flatMap((name) => {
      const value = read(name) ?? '';
      const isUsable = value !== '' && value.length <= longest && isWellFormed(name, value);
      return isUsable && isAllowed(name, value) ? [[name, value]] : [];
    }),
  );
}

const ownSchema = v.record(v.string(), v.optional(v.string()));

/**
 * The authorization parameters that the application chose; undefined ones are left out.
 *
 * @throws {ConfigError} one of them is no text
 */
export function ownParameters(parameters: unknown): LoginParameters {
  return given(validate(ownSchema, parameters, 'OidcLoginGuard.parameters'));
}
