import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';

const root = resolve(import.meta.dirname, '..');

const README = readFileSync(resolve(root, 'README.md'), 'utf8');

/** The files of an application that examples import. */
const APPLICATION: Readonly<Record<string, string>> = {
  'app.module.ts': 'export class AppModule {}',
  'member.guard.ts': `
    import { OidcGuard } from 'nestjs-oidc';
    export class MemberGuard extends OidcGuard {}`,
  'users.ts': `
    import { Injectable, Module } from '@nestjs/common';
    @Injectable() export class Users { bySubject(sub: string): { id: string } | undefined { return { id: sub }; } }
    @Module({ providers: [Users], exports: [Users] }) export class UsersModule {}`,
};

const PUBLIC_NAMES = readFileSync(resolve(root, 'lib/index.ts'), 'utf8').match(/\b[A-Z]\w+/g) ?? [];

/**
 * What stands around an example: the options that an earlier one showed, and for a reference, which is made of interfaces
 * without imports, the library's other types, and that the library's own are what the reference says.
 */
function wholeOf(example: string): string {
  const interfaces = [...example.matchAll(/^interface (\w+)/gm)].map(([, name = '']) => name);
  const used = [...example.matchAll(/[:<|] ?([A-Z]\w+)/g)].map(([, name = '']) => name);
  const others = interfaces.length === 0 ? [] : PUBLIC_NAMES.filter((name) => used.includes(name));
  return [
    `import type * as library from 'nestjs-oidc';`,
    'declare const options: library.OidcModuleOptions;',
    ...others.filter((name) => !interfaces.includes(name)).map((name) => `type ${name} = library.${name};`),
    example,
    ...interfaces.map((name) => `export const the${name}: (own: library.${name}) => ${name} = (own) => own;`),
  ].join('\n');
}

/** The TypeScript examples of the README, each a file of its own. */
function examples(): ReadonlyMap<string, string> {
  const blocks = [...README.matchAll(/```ts\n(.*?)```/gs)].map(([, code = '']) => code);
  return new Map(blocks.map((code, index) => [resolve(root, `test/readme/${index + 1}.ts`), wholeOf(code)]));
}

function problemsOf(files: ReadonlyMap<string, string>): readonly string[] {
  const { config } = ts.readConfigFile(resolve(root, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const compilerOptions = {
    ...options,
    noEmit: true,
    noUnusedLocals: false,
    noUnusedParameters: false,
    paths: {
      'nestjs-oidc': [resolve(root, 'lib/index.ts')],
      'nestjs-oidc/redis': [resolve(root, 'lib/storage/redis-store.ts')],
    },
  };
  const host = ts.createCompilerHost(compilerOptions);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (file) => files.has(file) || fileExists(file);
  host.readFile = (file) => files.get(file) ?? readFile(file);
  host.getSourceFile = (file, ...rest) => {
    const text = files.get(file);
    return text === undefined ? getSourceFile(file, ...rest) : ts.createSourceFile(file, text, ts.ScriptTarget.ES2023);
  };
  const folders = new Set([...files.keys()].map(dirname));
  host.directoryExists = (folder) => folders.has(folder) || ts.sys.directoryExists(folder);
  const program = ts.createProgram([...files.keys()], compilerOptions, host);
  return ts
    .getPreEmitDiagnostics(program)
    .map(({ file, messageText }) => `${file?.fileName ?? ''}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`);
}

describe('the README', () => {
  it('has examples that compile, and interfaces that the library keeps', () => {
    const application = Object.entries(APPLICATION).map(
      ([file, text]) => [resolve(root, 'test/readme', file), text] as const,
    );
    const shown = examples();
    expect(shown.size).toBeGreaterThan(15);
    expect(problemsOf(new Map([...shown, ...application]))).toEqual([]);
  }, 60_000);

  it('lists every code of every error under its class, and no other', () => {
    expect(listedCodes()).toEqual(declaredCodes());
  });

  it('has lines that an eye can follow', () => {
    expect(README.split('\n').filter((line) => line.length > 160)).toEqual([]);
  });

  it('links to sections and files that are there', () => {
    const anchors = [...README.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replace(/[^\w -]/g, '')
        .replaceAll(' ', '-'),
    );
    const targets = [...README.matchAll(/\]\(([^)]*)\)/g)].map(([, target = '']) => target);
    const missing = targets.filter((target) =>
      target.startsWith('#') ? !anchors.includes(target.slice(1)) : !ts.sys.fileExists(resolve(root, target)),
    );
    expect(missing).toEqual([]);
  });
});

/** The codes of the README's lists, by the class that the heading names. */
function listedCodes(): Readonly<Record<string, readonly string[]>> {
  const [, errors = ''] = README.split(/^## Errors$/m);
  const sections = errors.split(/^## /m)[0]?.split(/^### /m).slice(1) ?? [];
  return Object.fromEntries(
    sections.map((section) => {
      const items = section.split('\n').filter((line) => line.startsWith('- '));
      const codes = items.flatMap((item) => [...(item.split(': ')[0] ?? '').matchAll(/`(\w+)`/g)]);
      return [section.split('\n')[0], codes.map(([, code = '']) => code).toSorted()];
    }),
  );
}

/** The codes of `lib/errors/codes.ts`, by the class that carries them, without those that it has from another's list. */
function declaredCodes(): Readonly<Record<string, readonly string[]>> {
  const source = readFileSync(resolve(root, 'lib/errors/codes.ts'), 'utf8').replace(/\/\*\*.*?\*\//gs, '');
  const unions = new Map(
    [...source.matchAll(/export type (\w+) =([^;]*);/gs)].map(([, name = '', union = '']) => [name, union]),
  );
  const codesOf = (name: string, isOwn: (part: string) => boolean): readonly string[] =>
    (unions.get(name) ?? '').match(/\w+/g)?.flatMap((word) => {
      if (!unions.has(word)) {
        return [word];
      }
      return isOwn(word) ? codesOf(word, isOwn) : [];
    }) ?? [];
  const classes = [...unions.keys()]
    .filter((name) => name !== 'OidcErrorCode' && unions.get('OidcErrorCode')?.includes(name))
    .map((name) => name.replace(/Code$/, ''));
  return Object.fromEntries(
    classes.map((name) => {
      const isOwn = (part: string) => !classes.includes(part.replace(/Code$/, ''));
      return [name, codesOf(`${name}Code`, isOwn).toSorted()];
    }),
  );
}
