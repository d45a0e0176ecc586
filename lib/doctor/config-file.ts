import { readFile, stat } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';

import type { OidcModuleOptions } from '../module/oidc.options.js';
import { member, text } from '../values/member.js';
import { UsageError } from './usage-error.js';

/** Loads a module by its URL, as `import()` does. */
export type Load = (url: string) => Promise<unknown>;

/** Codes of Node for a file in TypeScript that it does not load. */
const TYPESCRIPT_CODES: readonly unknown[] = [
  'ERR_UNKNOWN_FILE_EXTENSION',
  'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX',
  'ERR_INVALID_TYPESCRIPT_SYNTAX',
  'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING',
  // It imports another file by the name that this will have once it is compiled.
  'ERR_MODULE_NOT_FOUND',
];

/** What codes and names of Node's errors mean, where the file is no TypeScript. */
const FAULTS: ReadonlyMap<unknown, string> = new Map([
  ['ERR_UNKNOWN_FILE_EXTENSION', 'The file of --config is neither JSON nor a module that Node loads.'],
  ['ERR_MODULE_NOT_FOUND', 'The file of --config imports a module that is not there.'],
  ['MODULE_NOT_FOUND', 'The file of --config imports a module that is not there.'],
  ['SyntaxError', 'There is a syntax error in the file of --config, or in what it reads.'],
]);

/**
 * The options of the module that a file has.
 *
 * @throws {UsageError} why it has none, without a word of the file or of an error: they may have a secret
 */
export async function optionsIn(file: string, load: Load): Promise<OidcModuleOptions> {
  const isFile = await stat(file).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isFile) {
    throw new UsageError('There is no file where --config says.');
  }
  const options = file.endsWith('.json') ? await jsonIn(file) : await valueOf(file, load);
  if (!areOptions(options)) {
    throw new UsageError('The file of --config has no options of the module: an issuer and a client.');
  }
  return options;
}

function areOptions(value: unknown): value is OidcModuleOptions {
  return text(member(value, 'issuer')) !== undefined && member(value, 'client') !== undefined;
}

async function jsonIn(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch {
    throw new UsageError('The file of --config can not be read as JSON.');
  }
}

/** The value of a module's default export; of a module that was compiled to CommonJS too. */
async function valueOf(file: string, load: Load): Promise<unknown> {
  const exported = member(await loaded(file, load), 'default');
  const value = member(exported, 'default') ?? exported;
  const what = typeof value === 'function' ? 'function' : 'promise';
  try {
    return await (typeof value === 'function' ? Reflect.apply(value, undefined, []) : value);
  } catch (error) {
    throw new UsageError(thrown(`The ${what} in the file`, error));
  }
}

async function loaded(file: string, load: Load): Promise<unknown> {
  try {
    return await load(pathToFileURL(file).href);
  } catch (error) {
    throw new UsageError(loadFault(file, error));
  }
}

function loadFault(file: string, error: unknown): string {
  const [code, name] = [member(error, 'code'), member(error, 'name')];
  const isTypeScript = /\.[cm]?tsx?$/.test(file);
  return isTypeScript && (name === 'SyntaxError' || TYPESCRIPT_CODES.includes(code))
    ? 'The file of --config is TypeScript that Node can not load. Compile it first.'
    : (FAULTS.get(code) ?? FAULTS.get(name) ?? thrown('The file', error));
}

/** Of an error only its name is told, where that looks like the name of a class. */
function thrown(what: string, error: unknown): string {
  const name = text(member(error, 'name')) ?? '';
  return `${what} of --config threw an error${/^[A-Z][A-Za-z]{0,39}$/.test(name) ? ` (${name})` : ''}.`;
}
