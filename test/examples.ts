import { dirname, resolve } from 'node:path';

import ts from 'typescript';

export const root = resolve(import.meta.dirname, '..');

/** The package's entries, by the name that an application imports. */
export const ENTRIES: Readonly<Record<string, string>> = {
  'nestjs-oidc': resolve(root, 'lib/index.ts'),
  'nestjs-oidc/opentelemetry': resolve(root, 'lib/opentelemetry.ts'),
  'nestjs-oidc/redis': resolve(root, 'lib/redis.ts'),
  'nestjs-oidc/swagger': resolve(root, 'lib/swagger.ts'),
  'nestjs-oidc/terminus': resolve(root, 'lib/terminus.ts'),
  'nestjs-oidc/testing': resolve(root, 'lib/testing.ts'),
};

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

/** The TypeScript examples of a text in Markdown. */
export function examplesIn(markdown: string): readonly string[] {
  return [...markdown.matchAll(/```ts\n(.*?)```/gs)].map(([, code = '']) => code);
}

/** A program of the library, and of examples that import it by its name. Each example's path is below the repository. */
export function programOf(examples: ReadonlyMap<string, string>): ts.Program {
  const { config } = ts.readConfigFile(resolve(root, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const compilerOptions = { ...options, noEmit: true, noUnusedLocals: false, noUnusedParameters: false };
  const files = new Map(examples);
  for (const folder of new Set([...examples.keys()].map(dirname))) {
    Object.entries(APPLICATION).forEach(([file, text]) => files.set(resolve(folder, file), text));
  }
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
  return ts.createProgram([...Object.values(ENTRIES), ...files.keys()], compilerOptions, host);
}

export function problemsOf(program: ts.Program): readonly string[] {
  return ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const line = file === undefined ? '' : `${file.fileName}:${file.getLineAndCharacterOfPosition(start).line + 1}`;
    return `${line}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
  });
}
