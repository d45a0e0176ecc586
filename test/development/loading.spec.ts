import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, it } from '@jest/globals';

const lib = new URL('../../lib/', import.meta.url).pathname;

it('is loaded where it starts only: the rest of the library names its types alone', () => {
  const files = readdirSync(lib, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !file.startsWith('development'),
  );
  const lines = files.flatMap((file) =>
    readFileSync(join(lib, file), 'utf8')
      .split('\n')
      .filter((line) => /['"/]development\//.test(line) && !line.startsWith('import type '))
      .map((line) => `${file}: ${line.trim()}`),
  );
  expect(lines).toEqual([
    "module/development.ts: const { acquireProvider } = await import('../development/running-servers.js');",
  ]);
});
