import { resolve } from 'node:path';

import { beforeAll, describe, expect, it } from '@jest/globals';
import ts from 'typescript';

import { ENTRIES, examplesIn, problemsOf, programOf, root } from './examples.js';

/** What an example in a doc comment may use without saying where it has it from, and their types. */
const GIVEN: Readonly<Record<string, string>> = {
  options: 'library.OidcModuleOptions',
  oidc: 'library.OidcClient',
  session: 'library.OidcSession',
  logout: 'library.OidcLogout',
  logoutToken: 'string',
  tokens: 'library.TokenResponse',
  url: 'string',
  parameters: 'ReadonlyMap<string, string>',
  error: 'unknown',
  logger: 'import("@nestjs/common").Logger',
};

interface PublicName {
  readonly name: string;
  readonly symbol: ts.Symbol;
  /** The symbol, and the classes of the library that it extends. */
  readonly classes: readonly ts.Symbol[];
  /** The text of its doc comment. */
  readonly ownDoc: string;
  /** That and those of its members. */
  readonly doc: string;
}

let program: ts.Program;
let names: readonly PublicName[];

/** The text of each example's file. */
let examples: ReadonlyMap<string, string>;

beforeAll(() => {
  names = publicNames(programOf(new Map()));
  const shown = names.flatMap(({ name, doc }) => examplesIn(doc).map((code, index) => fileOf(name, code, index)));
  examples = new Map(shown);
  program = programOf(new Map([...shown, [resolve(root, 'test/doc-comments/given.ts'), given()]]));
});

describe('the public names', () => {
  it('have a doc comment each', () => {
    expect(names.length).toBeGreaterThan(70);
    expect(names.filter(({ ownDoc }) => ownDoc === '').map(({ name }) => name)).toEqual([]);
  });

  it('have an example each where they are functions', () => {
    const functions = names.filter(({ symbol }) => isFunction(symbol));
    expect(functions.map(({ name }) => name)).toEqual(expect.arrayContaining(['Scopes', 'AccessToken']));
    expect(functions.filter(({ ownDoc }) => examplesIn(ownDoc).length === 0).map(({ name }) => name)).toEqual([]);
  });

  it('have examples that compile', () => {
    expect(problemsOf(program)).toEqual([]);
  });

  it.each(['OidcModule', 'OidcClient', 'OidcSession'])('show every call of %s in its examples', (name) => {
    expect(callsOf(name).filter((call) => !usedInExamples().has(call))).toEqual([]);
  });
});

/** The exports of the package's entries. */
function publicNames(library: ts.Program): readonly PublicName[] {
  const checker = library.getTypeChecker();
  return Object.values(ENTRIES).flatMap((entry) => {
    const file = library.getSourceFile(entry);
    const module = file && checker.getSymbolAtLocation(file);
    return (module ? checker.getExportsOfModule(module) : []).map((exported) => {
      const symbol = originalOf(exported, checker);
      const classes = [symbol, ...basesOf(symbol, checker)];
      const members = classes.flatMap((one) => [...(one.members?.values() ?? []), ...(one.exports?.values() ?? [])]);
      const ownDoc = docOf(symbol);
      return { name: exported.name, symbol, classes, ownDoc, doc: [ownDoc, ...members.map(docOf)].join('\n') };
    });
  });
}

/** The classes of the library that a class extends. */
function basesOf(symbol: ts.Symbol, checker: ts.TypeChecker): readonly ts.Symbol[] {
  if ((symbol.flags & ts.SymbolFlags.Class) === 0) {
    return [];
  }
  const bases = checker.getDeclaredTypeOfSymbol(symbol).getBaseTypes() ?? [];
  return bases
    .flatMap((base) => base.getSymbol() ?? [])
    .filter(({ valueDeclaration }) => valueDeclaration?.getSourceFile().fileName.startsWith(resolve(root, 'lib')))
    .flatMap((base) => [base, ...basesOf(base, checker)]);
}

/** As it is written: the compiler takes a decorator at the start of an example's line for a tag of the comment. */
function docOf({ declarations = [] }: ts.Symbol): string {
  return declarations
    .flatMap((declaration) => ts.getJSDocCommentsAndTags(declaration).filter(ts.isJSDoc))
    .map((comment) => comment.getText().replace(/^\/\*\*|\*\/$|^ *\* ?/gm, ''))
    .join('\n');
}

function originalOf(symbol: ts.Symbol, checker: ts.TypeChecker): ts.Symbol {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

function isFunction({ flags, valueDeclaration }: ts.Symbol): boolean {
  const isCall =
    valueDeclaration !== undefined &&
    ts.isVariableDeclaration(valueDeclaration) &&
    valueDeclaration.initializer?.getText().startsWith('createParamDecorator');
  return (flags & ts.SymbolFlags.Function) !== 0 || isCall === true;
}

/** An example with the imports that it leaves out; what is no more than members of a class stands in one. */
function fileOf(name: string, code: string, index: number): readonly [file: string, text: string] {
  const isWhole = ts.transpileModule(code, { reportDiagnostics: true }).diagnostics?.length === 0;
  const fields = Object.keys(GIVEN).filter((word) => code.includes(`this.${word}`));
  const members = [...fields.map((word) => `abstract ${word}: typeof ${word};`), code].join('\n');
  const text = isWhole ? code : `abstract class Example {\n${members}\n}`;
  return [resolve(root, `test/doc-comments/${name}-${index + 1}.ts`), importsFor(text) + text];
}

/** Global, so that an example may have its own of the same name. */
function given(): string {
  const constants = Object.entries(GIVEN).map(([word, type]) => `const ${word}: ${type};`);
  return `import type * as library from 'nestjs-oidc'; declare global { ${constants.join(' ')} }`;
}

const FRAMEWORK: readonly string[] = [
  'type ArgumentsHost',
  'type CanActivate',
  'Catch',
  'Controller',
  'type ExceptionFilter',
  'type ExecutionContext',
  'Get',
  'Inject',
  'Injectable',
  'Module',
  'Post',
  'Req',
  'Res',
  'UseGuards',
];

/** Which imports an example leaves out is plain from its words. */
function importsFor(text: string): string {
  const isMissing = (name: string) => {
    const word = name.replace('type ', '');
    const isUsed = new RegExp(`\\b${word}\\b`).test(text.replace(/'[^']*'|\/\/.*/g, ''));
    return isUsed && !new RegExp(`(class|import.*) ${word}\\b`).test(text);
  };
  const own = names.map(nameInImport).filter(isMissing);
  return [
    `import { ${FRAMEWORK.filter(isMissing).join(', ')} } from '@nestjs/common';`,
    `import { ${own.join(', ')} } from 'nestjs-oidc';`,
    isMissing('ConfigService') ? `import { ConfigService } from '@nestjs/config';` : '',
    isMissing('Users') ? `import { Users } from './users.js';` : '',
  ].join(' ');
}

function nameInImport({ name, symbol }: PublicName): string {
  return symbol.flags & ts.SymbolFlags.Value ? name : `type ${name}`;
}

/** The calls that an application may make on a public class, with those that it inherits. */
function callsOf(name: string): readonly string[] {
  const { classes = [] } = names.find((one) => one.name === name) ?? {};
  return classes.flatMap(ownCallsOf);
}

function ownCallsOf({ name, valueDeclaration: declaration }: ts.Symbol): readonly string[] {
  const isClass = declaration !== undefined && ts.isClassDeclaration(declaration);
  const members: readonly ts.ClassElement[] = isClass ? declaration.members : [];
  return members
    .filter((member) => ts.isMethodDeclaration(member))
    .filter((method) => !ts.isPrivateIdentifier(method.name) && !ts.getJSDocTags(method).some(isInternal))
    .map((method) => `${name}.${method.name.getText()}`);
}

function isInternal({ tagName }: ts.JSDocTag): boolean {
  return tagName.text === 'internal';
}

/** The members of classes that examples name, as the compiler understands them. */
function usedInExamples(): ReadonlySet<string> {
  const checker = program.getTypeChecker();
  const used = new Set<string>();
  const visit = (node: ts.Node): void => {
    const declaration = ts.isPropertyAccessExpression(node)
      ? checker.getSymbolAtLocation(node.name)?.valueDeclaration
      : undefined;
    if (declaration !== undefined && ts.isMethodDeclaration(declaration) && ts.isClassLike(declaration.parent)) {
      used.add(`${declaration.parent.name?.text}.${declaration.name.getText()}`);
    }
    ts.forEachChild(node, visit);
  };
  [...examples.keys()].forEach((file) => {
    const source = program.getSourceFile(file);
    if (source !== undefined) {
      visit(source);
    }
  });
  return used;
}
