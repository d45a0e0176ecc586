import { OidcError } from './oidc.error.js';

/** Characters of one value in a line; the rest is cut off. */
const LONGEST = 255;

/**
 * Log line of an error: its code, its message and its facts, then the same of its cause. No error is logged in another
 * way.
 */
export function logLine(error: OidcError): string {
  const { code, message, cause } = error;
  const facts = Object.entries(error.facts).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${printed(value)}`],
  );
  const line = [`${code}: ${message}`, ...facts].join(' ');
  return cause instanceof OidcError ? `${line} Cause: ${logLine(cause)}` : line;
}

/**
 * Key of an error for a log that repeats the same trouble only once in a while. It is the log line without what differs
 * from call to call, such as a description.
 */
export function troubleOf(error: OidcError): string {
  const { code, message, cause } = error;
  const { url, reason, status, error: name } = error.facts;
  const trouble = [code, message, url, reason, status, name].join(' ');
  return cause instanceof OidcError ? `${trouble} ${troubleOf(cause)}` : trouble;
}

/** Text of a stranger, made safe for a log line: quoted, shortened and of printable ASCII. */
export function quoted(text: string): string {
  return escaped(JSON.stringify(shorten(text)));
}

/** Text of a stranger, made safe as by {@link quoted}, without the quotation marks. */
export function printable(text: string): string {
  return escaped(shorten(text));
}

/** A whole line or text, with an escape for each character that is not printable ASCII; the same again after a second time. */
export function escaped(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function shorten(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}...` : text;
}

function printed(value: string | number | readonly string[]): string {
  return typeof value === 'number' ? String(value) : quoted(typeof value === 'string' ? value : value.join(' '));
}
