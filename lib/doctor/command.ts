import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

import type { OidcModuleOptions } from '../module/oidc.options.js';
import { member, text } from '../values/member.js';
import { examine, type Means, type Question } from './examination.js';
import { asJson, asText, exitCodeOf } from './report.js';

/** What a command reads and writes. */
export interface Terminal {
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly folder: string;
  input(): Promise<string>;
  print(text: string): void;
}

const USAGE = `nestjs-oidc doctor [issuer] [options]

  --config <file>   the module's options: JSON, or a module whose default export they are, or returns them
  --client-id <id>  the client, where there is no --config
  --token <token>   an access token to examine; - reads it from standard input. Without it: OIDC_TOKEN of the environment
  --json            the report as JSON
  --help            this text

Exit code: 0 nothing is wrong, 1 there is a problem, 2 the command can not be understood.`;

/** The command can't be understood. Its message repeats no argument: one of them may be a token. */
class UsageError {
  constructor(readonly message: string) {}
}

/** The command `nestjs-oidc`. @returns the exit code */
export async function run(terminal: Terminal, means: Means): Promise<0 | 1 | 2> {
  try {
    const command = parsed(terminal.arguments);
    if (command.values.help === true) {
      terminal.print(USAGE);
      return 0;
    }
    const { question, json } = await questionOf(terminal, command);
    const report = await examine(question, means);
    terminal.print(json ? asJson(report) : asText(report));
    return exitCodeOf(report);
  } catch (error) {
    if (error instanceof UsageError) {
      terminal.print(`${error.message}\n\n${USAGE}`);
      return 2;
    }
    throw error;
  }
}

async function questionOf(
  terminal: Terminal,
  { values, positionals }: Command,
): Promise<{ readonly question: Question; readonly json: boolean }> {
  const [command, given, ...more] = positionals;
  if (command !== 'doctor' || more.length > 0) {
    throw new UsageError(command === 'doctor' ? 'There are too many arguments.' : 'The command is: doctor.');
  }
  const options = values.config === undefined ? undefined : await optionsIn(resolve(terminal.folder, values.config));
  const issuer = given ?? text(member(options, 'issuer'));
  if (issuer === undefined || !URL.canParse(issuer) || !/^https?:/.test(issuer)) {
    throw new UsageError('An issuer is needed, such as https://op.example.com.');
  }
  const token = (
    values.token === '-' ? await terminal.input() : (values.token ?? terminal.environment['OIDC_TOKEN'])
  )?.trim();
  return {
    question: {
      issuer,
      clientId: values['client-id'],
      options: options && { ...options, issuer },
      token: token || undefined,
    },
    json: values.json === true,
  };
}

/** A command with its options. */
type Command = ReturnType<typeof parsed>;

const OPTIONS = {
  config: { type: 'string' },
  'client-id': { type: 'string' },
  token: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: withTokenAsValue(args), allowPositionals: true, options: OPTIONS });
  } catch {
    throw new UsageError('An option is not known, or lacks its value.');
  }
}

/** A token may begin with a hyphen, as an option does: one in 64 does so in base64url. */
function withTokenAsValue(args: readonly string[]): string[] {
  const at = args.indexOf('--token');
  const value = at < 0 ? undefined : args[at + 1];
  const isOption = value === undefined || Object.keys(OPTIONS).some((name) => value === `--${name}`);
  return isOption ? [...args] : [...args.slice(0, at), `--token=${value}`, ...args.slice(at + 2)];
}

async function optionsIn(file: string): Promise<OidcModuleOptions> {
  const found: unknown = file.endsWith('.json') ? await jsonIn(file) : await moduleIn(file);
  const options: unknown = typeof found === 'function' ? await Reflect.apply(found, undefined, []) : found;
  if (!areOptions(options)) {
    throw new UsageError('The file of --config has no options of the module.');
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
    // The parser's message repeats the text, which may be a secret.
    throw new UsageError('The file of --config can not be read as JSON.');
  }
}

async function moduleIn(file: string): Promise<unknown> {
  try {
    const module: unknown = await import(pathToFileURL(file).href);
    return member(module, 'default');
  } catch {
    throw new UsageError('The file of --config can not be loaded.');
  }
}
