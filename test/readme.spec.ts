import { readdirSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';

import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';

import { examplesIn, problemsOf, programOf, root } from './examples.js';

const README = readFileSync(resolve(root, 'README.md'), 'utf8');

const textOf = (file: string): string => readFileSync(resolve(root, file), 'utf8');

/** Every README of the repository, by its path there. */
const GUIDES: ReadonlyMap<string, string> = new Map(
  ts.sys
    .readDirectory(root, ['.md'], ['**/node_modules', 'dist', 'coverage', 'artifacts'], ['**/README.md'])
    .map((file) => relative(root, file))
    .map((file) => [file, textOf(file)]),
);

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

/** The TypeScript examples of the guides, each a file of its own. */
function examples(): ReadonlyMap<string, string> {
  const blocks = [...GUIDES].flatMap(([guide, text]) =>
    examplesIn(text).map((code, index) => [`${dirname(guide)}/${index + 1}.ts`, wholeOf(code)] as const),
  );
  return new Map(blocks.map(([file, text]) => [resolve(root, 'test/guides', file), text]));
}

function withoutCode(text: string): string {
  return text.replace(/^```.*?^```$/gms, '');
}

/** Where the headings of a text are found, as the forge has it. */
function anchorsOf(text: string): readonly string[] {
  return [...withoutCode(text).matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );
}

/** The links of a guide that lead to no file, folder or heading of this repository. */
function brokenLinks([guide, text]: readonly [string, string]): readonly string[] {
  const targets = [...text.matchAll(/\]\(([^)]*)\)/g)].map(([, target = '']) => target);
  return targets.filter((target) => {
    if (/^https?:/.test(target)) {
      return false;
    }
    const [path = '', anchor] = target.split('#');
    const file = path === '' ? guide : relative(root, resolve(root, dirname(guide), path));
    const isThere = ts.sys.fileExists(resolve(root, file)) || ts.sys.directoryExists(resolve(root, file));
    return !isThere || (anchor !== undefined && !anchorsOf(textOf(file)).includes(anchor));
  });
}

describe('the guides', () => {
  it('have examples that compile, and interfaces that the library keeps', () => {
    const shown = examples();
    expect(shown.size).toBeGreaterThan(15);
    expect(problemsOf(programOf(shown))).toEqual([]);
  });

  it.each([...GUIDES])('%s links to sections and files that are there', (...guide) => {
    expect(brokenLinks(guide)).toEqual([]);
  });

  it('break their lines where an eye loses them', () => {
    const prose = [...GUIDES.values()].flatMap((text) => withoutCode(text).split('\n'));
    expect(prose.filter((line) => line.length > 160 && !line.startsWith('|'))).toEqual([]);
  });
});

describe('the page of the errors', () => {
  it('lists every code of every error under its class, and no other', () => {
    expect(listedCodes()).toEqual(declaredCodes());
  });
});

describe('the plan of the source', () => {
  it('has every room, and no other', () => {
    const rooms = readdirSync(resolve(root, 'lib'), { withFileTypes: true }).filter((one) => one.isDirectory());
    const [, list = ''] = /```text\n(.*?)```/s.exec(textOf('lib/README.md')) ?? [];
    const listed = [...list.matchAll(/^([\w-]+)\/ /gm)].map(([, name]) => name);
    expect(listed.toSorted()).toEqual(rooms.map(({ name }) => name).toSorted());
  });

  it('names files that are there', () => {
    const files = ts.sys.readDirectory(resolve(root, 'lib'), ['.ts']).map((file) => `/${relative(root, file)}`);
    const named = [...textOf('lib/README.md').matchAll(/`([\w./-]+\.ts)`/g)].map(([, name = '']) => name);
    expect(named.length).toBeGreaterThan(20);
    expect(
      named.filter((name) => !/^(lib|test)\//.test(name) && !files.some((file) => file.endsWith(`/${name}`))),
    ).toEqual([]);
  });
});

/** The plan of the source is for who has the source: it says so. */
const PLAN = 'lib/README.md';

describe('a page of the package', () => {
  it.each([...GUIDES].filter(([guide]) => guide !== PLAN && isPacked(guide)))(
    '%s links to what the package has',
    (guide, text) => {
      const links = [...withoutCode(text).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, link = '']) => link);
      const targets = links.map((link) => relative(root, resolve(root, dirname(guide), link)));
      expect(targets.filter((target) => !isPacked(target) && !isPackedFolder(target))).toEqual([]);
    },
  );
});

describe('the README', () => {
  it('has 500 lines at most, none longer than an eye can follow', () => {
    const lines = README.split('\n');
    expect(lines.length - 1).toBeLessThanOrEqual(500);
    expect(lines.filter((line) => line.length > 160)).toEqual([]);
  });

  it.each(linkedPages())('links to %s, which the package has too', (page) => {
    expect(isPacked(page)).toBe(true);
  });
});

/** The pages beside the README that it sends its readers to. */
function linkedPages(): readonly string[] {
  return [...new Set([...README.matchAll(/\]\(([^)#]+\.md)/g)].map(([, page = '']) => page))];
}

function isPacked(file: string): boolean {
  return packedFiles().some((pattern) => pattern.test(file));
}

function isPackedFolder(folder: string): boolean {
  return (ts.sys.readDirectory?.(resolve(root, folder)) ?? []).some((file) => isPacked(relative(root, file)));
}

/** What npm packs: `files` of `package.json`, and what it never leaves out. */
function packedFiles(): readonly RegExp[] {
  const { files }: { files: readonly string[] } = JSON.parse(textOf('package.json'));
  return ['README.md', 'LICENSE', 'package.json', ...files].map((pattern) => {
    const path = pattern.replaceAll('.', '\\.').replace(/\*\*\/|\*/g, (star) => (star === '*' ? '[^/]*' : '(.*/)?'));
    return new RegExp(`^${path}$`);
  });
}

/** The codes of the errors' page, by the class that the heading names. */
function listedCodes(): Readonly<Record<string, readonly string[]>> {
  const sections = textOf('lib/errors/README.md')
    .split(/^## /m)
    .filter((section) => /^\w+Error\n/.test(section));
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
