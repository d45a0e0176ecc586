import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

import { parsedUrl } from '../values/url.js';
import { optionsIn, type Load } from './config-file.js';
import { examine, type Means, type Question } from './examination.js';
import { asJson, asText, exitCodeOf } from './report.js';
import { UsageError } from './usage-error.js';

/** What a command reads and writes. */
export interface Terminal {
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly folder: string;
  input(): Promise<string>;
  /** `import()`. */
  readonly load: Load;
  print(text: string): void;
}

const USAGE = `nestjs-oidc doctor [issuer] [options]

  --config <file>   the module's options: JSON, or a module whose default export they are, or returns them
  --client-id <id>  the client, where there is no --config
  --token <token>   an access token to examine; - reads it from standard input. Without it: OIDC_TOKEN of the environment
  --json            the report as JSON
  --help            this text

Exit code: 0 nothing is wrong, 1 there is a problem, 2 the command can not be understood.`;

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
  const options =
    values.config === undefined ? undefined : await optionsIn(resolve(terminal.folder, values.config), terminal.load);
  if (given !== undefined && options !== undefined && given !== options.issuer) {
    // The secret and the token are for the issuer of the file alone.
    throw new UsageError('The issuer is not that of --config. Leave one of them out.');
  }
  const issuer = issuerIn(given ?? options?.issuer);
  const token = (
    values.token === '-' ? await terminal.input() : (values.token ?? terminal.environment['OIDC_TOKEN'])
  )?.trim();
  return {
    question: {
      issuer,
      clientId: values['client-id'],
      options,
      token: token || undefined,
    },
    json: values.json === true,
  };
}

/** An issuer that can be called and printed. */
function issuerIn(given: string | undefined): string {
  const url = parsedUrl(given ?? '');
  if (given === undefined || url === undefined || !/^https?:/.test(given)) {
    throw new UsageError('An issuer is needed, such as https://op.example.com.');
  }
  if (url.username !== '' || url.password !== '') {
    throw new UsageError('The issuer has user information, such as a password. Leave it out.');
  }
  if (!/^[\x21-\x7e]+$/.test(given)) {
    throw new UsageError('The issuer has characters that are not printable ASCII.');
  }
  return given;
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
  const given = withTokenAsValue(args);
  try {
    return parseArgs({ args: given, allowPositionals: true, options: OPTIONS });
  } catch {
    throw new UsageError(optionFault(given));
  }
}

/** What is wrong with the first option that can't be read. */
function optionFault(args: string[]): string {
  const { tokens } = parseArgs({ args, allowPositionals: true, options: OPTIONS, strict: false, tokens: true });
  const faults = tokens.flatMap((token) => (token.kind === 'option' ? (faultOf(token) ?? []) : []));
  return faults[0] ?? 'An option is not known, or lacks its value.';
}

interface GivenOption {
  readonly name: string;
  /** As it was written. */
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

/** What is wrong with an option. It is named where it can't be a secret. */
function faultOf({ name, rawName, value, inlineValue }: GivenOption): string | undefined {
  const type = Object.entries(OPTIONS).find(([known]) => known === name)?.[1].type;
  if (type === undefined) {
    return /^--[a-z-]{1,20}$/.test(rawName) ? `There is no option ${rawName}.` : 'An option is not known.';
  }
  if (type === 'boolean') {
    return value === undefined ? undefined : `--${name} takes no value.`;
  }
  if (value === undefined) {
    return `--${name} lacks its value.`;
  }
  return inlineValue === true || !/^-./.test(value)
    ? undefined
    : `--${name} lacks its value. Write --${name}=<value> where it begins with a hyphen.`;
}

/** A token may begin with a hyphen, as an option does: one in 64 does so in base64url. */
function withTokenAsValue(args: readonly string[]): string[] {
  const at = args.indexOf('--token');
  const value = at < 0 ? undefined : args[at + 1];
  const isOption = value === undefined || Object.keys(OPTIONS).some((name) => value === `--${name}`);
  return isOption ? [...args] : [...args.slice(0, at), `--token=${value}`, ...args.slice(at + 2)];
}
