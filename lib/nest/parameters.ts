import { AuthorizationResponseError } from '../errors/errors.js';

/** Request parameters: each at most once, none without a value (RFC 6749, section 3.1). */
export type Parameters = ReadonlyMap<string, string>;

const MAX_PARAMETERS = 64;
const MAX_NAME_LENGTH = 128;
/** An authorization code of 4 KB is the longest that still fits, with the rest, into a request line. */
const MAX_VALUE_LENGTH = 4096;

/** Parameters that hold tokens, or a whole response with tokens in it. A form or a request line ends before they do. */
const TOKENS: readonly string[] = ['access_token', 'id_token', 'response', 'fragment'];
const MAX_TOKEN_LENGTH = 65_536;

// oxlint-disable-next-line no-control-regex -- to refuse them is the point
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f-\u009f]/;
const BRACKETS = /[[\]]/;

/**
 * Parses the parameters that a browser sends: a raw query string, or a form body as it came. It is the one such parser.
 *
 * Nothing is guessed. It refuses a name that comes twice, brackets (from which other parsers make arrays and objects),
 * control characters and broken percent-encoding.
 *
 * @throws {AuthorizationResponseError} `DUPLICATE_PARAMETER`, `INVALID_PARAMETER`
 */
export function parseParameters(raw: string): Parameters {
  return collectParameters(pairs(raw));
}

/**
 * Checks parameters that the application's own parser has already parsed, by the same rules.
 *
 * @throws {AuthorizationResponseError} `DUPLICATE_PARAMETER`, `INVALID_PARAMETER`
 */
export function collectParameters(entries: Iterable<readonly [name: string, value: unknown]>): Parameters {
  const seen = new Set<string>();
  const parameters = new Map<string, string>();
  for (const [name, value] of entries) {
    if (seen.has(name) || Array.isArray(value)) {
      throw new AuthorizationResponseError('DUPLICATE_PARAMETER', 'A parameter was sent more than once');
    }
    seen.add(name);
    if (!isName(name) || !isValue(value, name) || seen.size > MAX_PARAMETERS) {
      throw invalidParameter();
    }
    if (value !== '') {
      parameters.set(name, value);
    }
  }
  return parameters;
}

/**
 * Reads one parameter of a request that must not fail because of its query. The value is `undefined` when the parameter is
 * absent, comes twice, can't be decoded, has control characters or is too long.
 */
export function singleParameter(raw: string, name: string): string | undefined {
  const values: string[] = [];
  for (const pair of raw.split('&')) {
    const [key, value] = split(pair);
    if (decode(key) === name) {
      values.push(value);
    }
  }
  const [only = '', ...others] = values;
  const value = values.length === 0 || others.length > 0 ? undefined : decode(only);
  return isValue(value, name) ? value : undefined;
}

function* pairs(raw: string): Generator<[string, string]> {
  for (const pair of raw.split('&')) {
    if (pair === '') {
      continue;
    }
    const [name, value] = split(pair).map(decode);
    if (name === undefined || value === undefined) {
      throw invalidParameter();
    }
    yield [name, value];
  }
}

function split(pair: string): [name: string, value: string] {
  const equals = pair.indexOf('=');
  return equals === -1 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)];
}

/** `application/x-www-form-urlencoded`, decoded once. */
function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

function isName(name: string): boolean {
  return name !== '' && name.length <= MAX_NAME_LENGTH && !BRACKETS.test(name) && !CONTROL_CHARACTERS.test(name);
}

function isValue(value: unknown, name: string): value is string {
  const maxLength = TOKENS.includes(name) ? MAX_TOKEN_LENGTH : MAX_VALUE_LENGTH;
  return typeof value === 'string' && value.length <= maxLength && !CONTROL_CHARACTERS.test(value);
}

function invalidParameter(): AuthorizationResponseError {
  return new AuthorizationResponseError('INVALID_PARAMETER', 'A parameter can not be read');
}
