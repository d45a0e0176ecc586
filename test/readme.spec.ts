import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

import { expect, it } from '@jest/globals';
import ts from 'typescript';

const root = resolve(import.meta.dirname, '..');

/** What the examples leave out because every application has it. */
const PRELUDE = `
import { Catch, Controller, Get, Injectable, Module, Post, UseGuards, type ArgumentsHost, type ExceptionFilter, type ExecutionContext } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import { HttpAdapterHost } from '@nestjs/core';
import {
  AccessToken, CurrentUser, Introspection, StepUp, OidcClient, OidcException, OidcGuard, OidcLoginGuard, OidcModule, OidcSessionGuard, OidcStrategy, OidcUser,
  Scopes, VerifiedAccessToken, type JsonObject, type OidcModuleOptions, type PresentedToken, type SessionContent,
} from 'nestjs-oidc';
import { RedisStore } from 'nestjs-oidc/redis';
import type { Redis } from 'ioredis';
declare const REDIS: symbol;
@Module({}) class RedisModule {}
@Injectable() class Users { bySubject(sub: string): { id: string } | undefined { return { id: sub }; } }
@Module({ providers: [Users], exports: [Users] }) class UsersModule {}
declare const options: OidcModuleOptions;
`;

/** The TypeScript examples of a page, each a file of its own. */
function examplesOf(page: string): ReadonlyMap<string, string> {
  const text = readFileSync(resolve(root, page), 'utf8');
  const examples = [...text.matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code ?? '');
  return new Map(examples.map((code, index) => [resolve(root, `test/${page}-${index + 1}.ts`), PRELUDE + code]));
}

it('every example of the README compiles', () => {
  const examples = examplesOf('README.md');
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
  host.fileExists = (file) => examples.has(file) || fileExists(file);
  host.readFile = (file) => examples.get(file) ?? readFile(file);
  host.getSourceFile = (file, ...rest) => {
    const example = examples.get(file);
    return example === undefined
      ? getSourceFile(file, ...rest)
      : ts.createSourceFile(file, example, ts.ScriptTarget.ES2023);
  };
  host.directoryExists = (folder) =>
    folder === dirname([...examples.keys()][0] ?? '') || ts.sys.directoryExists(folder);
  const program = ts.createProgram([...examples.keys()], compilerOptions, host);
  const problems = ts
    .getPreEmitDiagnostics(program)
    .map(({ file, messageText }) => `${file?.fileName ?? ''}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`);
  expect(examples.size).toBeGreaterThan(3);
  expect(problems).toEqual([]);
}, 60_000);
