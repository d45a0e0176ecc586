import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

import { describe, expect, it } from '@jest/globals';

import { ENTRIES, root } from '../examples.js';

/** The files that a file of the library loads, itself included: by static imports that are more than types. */
function loadedBy(file: string, known = new Set<string>()): ReadonlySet<string> {
  if (!known.has(file)) {
    known.add(file);
    const text = readFileSync(file, 'utf8');
    for (const [, specifier = ''] of text.matchAll(/^(?:import|export) (?!type )(?:[^;]*? from )?'(\.[^']+)';/gm)) {
      loadedBy(resolve(dirname(file), specifier.replace(/\.js$/, '.ts')), known);
    }
  }
  return known;
}

describe('the test kit', () => {
  const others = Object.entries(ENTRIES).filter(([entry]) => entry !== 'nestjs-oidc/testing');
  const folder = resolve(root, 'lib/testing');

  it.each(others)('is not loaded by %s', (_, file) => {
    expect([...loadedBy(file)].filter((loaded) => loaded.startsWith(folder))).toEqual([]);
  });

  it('is found by that search where it is loaded', () => {
    expect(
      [...loadedBy(resolve(root, 'lib/testing.ts'))].filter((loaded) => loaded.startsWith(folder)).length,
    ).toBeGreaterThan(20);
  });
});
