// agentfront/frontmcp#519, jestjs/jest#12984, nevermined-io/payments#451, pnpm/pnpm#4418.
// The word for jest in CommonJS did not hold with pnpm, which keeps a package below
// node_modules/.pnpm/<name>@<version>/node_modules/<name>: "Must use import to load ES Module".
// Right, and tried with npm and pnpm: /node_modules/(?!(\.pnpm/.+/node_modules/)?(nestjs-oidc|jose)/).
import { readFileSync } from 'node:fs';

import { expect, it } from '@jest/globals';

const readme = readFileSync(new URL('../whole/package/README.md', import.meta.url), 'utf8');
const [pattern] = JSON.parse(/"transformIgnorePatterns": (\[.*?\])\n/.exec(readme)?.[1] ?? '[""]') as string[];
const isIgnored = (path: string) => new RegExp(pattern ?? '').test(path);

it.each([
  ['npm', 'nestjs-oidc', '/app/node_modules/nestjs-oidc/dist/bundle/index.js'],
  ['npm', 'jose', '/app/node_modules/jose/dist/webapi/index.js'],
  [
    'pnpm',
    'nestjs-oidc',
    '/app/node_modules/.pnpm/nestjs-oidc@0.1.0_abc/node_modules/nestjs-oidc/dist/bundle/index.js',
  ],
  ['pnpm', 'jose', '/app/node_modules/.pnpm/jose@6.2.18/node_modules/jose/dist/webapi/index.js'],
])('lets jest compile, installed by %s, %s', (_manager, _name, path) => expect(isIgnored(path)).toBe(false));

it.each([
  '/app/node_modules/rxjs/dist/cjs/index.js',
  '/app/node_modules/.pnpm/rxjs@7.8.2/node_modules/rxjs/dist/cjs/index.js',
])('leaves %s alone', (path) => expect(isIgnored(path)).toBe(true));
