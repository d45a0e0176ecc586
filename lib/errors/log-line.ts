import { OidcError } from './oidc.error.js';

/** Characters of one value that a line repeats. */
const LONGEST = 255;

/**
 * The one way in which an error becomes a line of a log: its code, its sentence and its facts, then those of the error
 * that caused it.
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
 * What kind of trouble an error tells of: its line without what differs from call to call, such as a description. By it a
 * log tells the same trouble once in a while.
 */
export function troubleOf(error: OidcError): string {
  const { code, message, cause } = error;
  const { url, reason, status, error: name } = error.facts;
  const trouble = [code, message, url, reason, status, name].join(' ');
  return cause instanceof OidcError ? `${trouble} ${troubleOf(cause)}` : trouble;
}

/** Text that a stranger may have written, as one line can hold it: quoted, shortened, printable ASCII. */
export function quoted(text: string): string {
  return escape(JSON.stringify(shorten(text)));
}

/** The same without the quotation marks. */
export function printable(text: string): string {
  return escape(shorten(text));
}

function shorten(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}...` : text;
}

function escape(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, escaped);
}

function printed(value: string | number | readonly string[]): string {
  return typeof value === 'number' ? String(value) : quoted(typeof value === 'string' ? value : value.join(' '));
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
