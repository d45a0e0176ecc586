import { readFileSync } from 'node:fs';

import { expect, it } from '@jest/globals';

// The provider prints its warning when it is loaded: what filters it has to be loaded before.
it.each(['02-web-app', '03-resource-server', '05-fapi'])('sample %s loads its filter of warnings first', (sample) => {
  const source = readFileSync(new URL(`../../../sample/${sample}/main.ts`, import.meta.url), 'utf8');
  expect(source.split('\n', 1)).toEqual(["import './supported-runtime.js';"]);
});
