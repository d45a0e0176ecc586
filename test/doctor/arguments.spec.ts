import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { beforeEach, describe, expect, it } from '@jest/globals';

import { AUDIENCE } from '../support/app/apps.js';
import { sectionOf, startDoctor } from '../support/doctor.js';
import { CLIENT_SECRET } from '../support/provider/provider.js';

type Started = Awaited<ReturnType<typeof startDoctor>>;

let folder: string;
let op: Started['op'];
let doctor: Started['doctor'];
let diagnose: Started['diagnose'];

beforeEach(async () => {
  ({ folder, op, doctor, diagnose } = await startDoctor());
});

const SECRET = 'eyJ-secret';

/** What is said of a command that can't be understood. */
async function refusal(...given: readonly string[]): Promise<string | undefined> {
  const { code, output } = await doctor({ arguments: given });
  expect(code).toBe(2);
  expect(output).not.toContain(SECRET);
  expect(output).toMatch(/^[\n\x20-\x7e]*$/);
  const [sentence, usage] = output.split('\n\n');
  expect(usage).toBe('nestjs-oidc doctor [issuer] [options]');
  expect(op.requests()).toEqual([]);
  return sentence;
}

describe('an option', () => {
  it.each<[sentence: string, given: readonly string[]]>([
    ['There is no option --tokn.', ['--tokn', SECRET]],
    ['There is no option --tokn.', ['--tokn=eyJ-secret']],
    ['There is no option --conf.', ['--json', '--conf', 'a', '--other']],
    ['--config lacks its value.', ['--config']],
    ['--config lacks its value. Write --config=<value> where it begins with a hyphen.', ['--config', '--json']],
    [
      '--client-id lacks its value. Write --client-id=<value> where it begins with a hyphen.',
      ['--client-id', '-eyJ-secret'],
    ],
    ['--json takes no value.', ['--json=eyJ-secret']],
    ['An option is not known.', ['--eyJ-secret']],
    ['An option is not known.', ['-eyJ-secret']],
    ['An option is not known.', ['--abcdefghijklmnopqrstu']],
    ['An option is not known.', ['--to\u001b[31m\u009bken']],
  ])('is refused, and named where it can be no secret: %s', async (sentence, given) => {
    expect(await refusal('doctor', ...given)).toBe(sentence);
  });

  it('may stand as a short one', async () => {
    expect(await doctor({ arguments: ['-h'] })).toMatchObject({ code: 0 });
  });
});

describe('an issuer', () => {
  it.each<[sentence: string, given: readonly string[]]>([
    ['The command is: doctor.', [SECRET]],
    ['An issuer is needed, such as https://op.example.com.', ['doctor', SECRET]],
    ['There are too many arguments.', ['doctor', 'https://a.test', SECRET]],
    [
      'The issuer has user information, such as a password. Leave it out.',
      ['doctor', 'https://u:eyJ-secret@op.invalid', '--json'],
    ],
    ['The issuer has user information, such as a password. Leave it out.', ['doctor', 'https://eyJ-secret@op.invalid']],
    ['The issuer has characters that are not printable ASCII.', ['doctor', 'https://op.invalid/\u001b[31m']],
    ['The issuer has characters that are not printable ASCII.', ['doctor', 'https://op.invalid/\u009b31m']],
    ['The issuer has characters that are not printable ASCII.', ['doctor', 'https://b\u00fccher.invalid']],
    ['The issuer has characters that are not printable ASCII.', ['doctor', 'https://op.invalid/a b']],
  ])('is refused, and not repeated: %s', async (sentence, given) => {
    expect(await refusal(...given)).toBe(sentence);
  });

  it('of --config with a password is refused alike', async () => {
    await writeFile(
      join(folder, 'oidc.json'),
      JSON.stringify({ issuer: 'https://u:eyJ-secret@op.invalid', client: {} }),
    );
    expect(await refusal('doctor', '--config', 'oidc.json')).toBe(
      'The issuer has user information, such as a password. Leave it out.',
    );
  });

  it('that is not that of --config gets neither its secret nor the token', async () => {
    const options = { issuer: 'https://op.invalid', client: { client_id: 'rp1', client_secret: CLIENT_SECRET } };
    await writeFile(join(folder, 'oidc.json'), JSON.stringify(options));
    expect(await refusal('doctor', op.issuer, '--config', 'oidc.json', '--token', SECRET)).toBe(
      'The issuer is not that of --config. Leave one of them out.',
    );
    await writeFile(join(folder, 'oidc.json'), JSON.stringify({ ...options, issuer: `${op.issuer}/` }));
    expect(await refusal('doctor', op.issuer, '--config', 'oidc.json', '--token', SECRET)).toBe(
      'The issuer is not that of --config. Leave one of them out.',
    );
  });
});

describe('what a stranger writes', () => {
  const STRANGE = 'https://op.invalid/\u001b[31m\u009b31m\u202e\u007f';
  const ESCAPED = 'https://op.invalid/\\u001b[31m\\u009b31m\\u202e\\u007f';
  const trusting = { resourceServer: { audience: AUDIENCE, validation: 'auto', issuers: [{ issuer: STRANGE }] } };

  it('reaches the terminal escaped, and at its whole length', async () => {
    const long = `https://op.invalid/${'a'.repeat(400)}`;
    const issuers = [{ issuer: STRANGE }, { issuer: long }];
    const { output } = await diagnose({ resourceServer: { ...trusting.resourceServer, issuers } });
    expect(output).toMatch(/^[\n\x20-\x7e]*$/);
    expect(sectionOf(output, `Issuer ${ESCAPED}`)[0]).toMatch(/^ {2}problem /);
    expect(sectionOf(output, `Issuer ${long}`)[0]).toMatch(/^ {2}problem /);
  });

  it('is in the JSON what it was, without a raw control character', async () => {
    const { output } = await diagnose(trusting, { arguments: ['--json'] });
    expect(output).toMatch(/^[\n\x20-\x7e]*$/);
    expect(JSON.parse(output).sections.map(({ title }: { title: string }) => title)).toContain(`Issuer ${STRANGE}`);
  });
});

describe('the file of --config', () => {
  const OPTIONS = `{ issuer: 'https://op.invalid/.well-known/a', client: { client_id: 'a', token_endpoint_auth_method: 'none' } }`;

  it.each<[name: string, text: string, sentence: string]>([
    ['oidc.json', `{ "a": "${SECRET}`, 'The file of --config can not be read as JSON.'],
    ['oidc.json', '{ "issuer": 1 }', 'The file of --config has no options of the module: an issuer and a client.'],
    ['a.mjs', 'export const a = 1;', 'The file of --config has no options of the module: an issuer and a client.'],
    [
      'a.mjs',
      `export default { a: '${SECRET}'`,
      'There is a syntax error in the file of --config, or in what it reads.',
    ],
    ['a.mjs', `throw new TypeError('${SECRET}');`, 'The file of --config threw an error (TypeError).'],
    ['a.mjs', `throw Object.assign(new Error(), { name: '${SECRET}' });`, 'The file of --config threw an error.'],
    [
      'a.mjs',
      `export default () => { throw new RangeError('${SECRET}'); }`,
      'The function in the file of --config threw an error (RangeError).',
    ],
    [
      'a.mjs',
      `export default async () => { throw '${SECRET}'; }`,
      'The function in the file of --config threw an error.',
    ],
    [
      'a.mjs',
      `export default new Promise((_, reject) => setTimeout(reject, 1, new Error('${SECRET}')));`,
      'The promise in the file of --config threw an error (Error).',
    ],
  ])('%s with %j says what is wrong, and no word of it', async (name, text, sentence) => {
    await writeFile(join(folder, name), text);
    expect(await refusal('doctor', '--config', name)).toBe(sentence);
  });

  it('is not there, or is a folder', async () => {
    expect(await refusal('doctor', '--config', 'oidc.json')).toBe('There is no file where --config says.');
    expect(await refusal('doctor', '--config', 'oidc.mjs')).toBe('There is no file where --config says.');
    expect(await refusal('doctor', '--config', '.')).toBe('There is no file where --config says.');
  });

  it.each<[name: string, error: object, sentence: string]>([
    [
      'a.ts',
      { name: 'TypeError', code: 'ERR_UNKNOWN_FILE_EXTENSION' },
      'The file of --config is TypeScript that Node can not load. Compile it first.',
    ],
    [
      'a.mts',
      { name: 'SyntaxError', code: 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX' },
      'The file of --config is TypeScript that Node can not load. Compile it first.',
    ],
    [
      'a.ts',
      { name: 'Error', code: 'ERR_MODULE_NOT_FOUND' },
      'The file of --config is TypeScript that Node can not load. Compile it first.',
    ],
    ['a.ts', { name: 'RangeError' }, 'The file of --config threw an error (RangeError).'],
    [
      'a.yaml',
      { name: 'TypeError', code: 'ERR_UNKNOWN_FILE_EXTENSION' },
      'The file of --config is neither JSON nor a module that Node loads.',
    ],
    [
      'a.mjs',
      { name: 'Error', code: 'ERR_MODULE_NOT_FOUND' },
      'The file of --config imports a module that is not there.',
    ],
    ['a.cjs', { name: 'Error', code: 'MODULE_NOT_FOUND' }, 'The file of --config imports a module that is not there.'],
  ])('%s that Node refuses by %j', async (name, error, sentence) => {
    await writeFile(join(folder, name), SECRET);
    const load = async () => Promise.reject(Object.assign(new Error(SECRET), error));
    const { code, output } = await doctor({ arguments: ['doctor', '--config', name], load });
    expect({ code, sentence: output.split('\n\n')[0] }).toEqual({ code: 2, sentence });
  });

  it.each([
    ['a.mjs', `export default ${OPTIONS};`],
    ['b.mjs', `export default () => (${OPTIONS});`],
    ['c.mjs', `export default Promise.resolve(${OPTIONS});`],
    ['d.cjs', `module.exports = ${OPTIONS};`],
    ['e.cjs', `exports.default = async () => (${OPTIONS});`],
  ])('%s is %j', async (name, text) => {
    await writeFile(join(folder, name), text);
    const { code, output } = await doctor({ arguments: ['doctor', '--config', name] });
    expect({ code, first: output.split('\n')[0] }).toEqual({ code: 1, first: 'https://op.invalid/.well-known/a' });
  });
});
