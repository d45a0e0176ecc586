import swc from 'unplugin-swc';
import { defineConfig } from 'vitest/config';

/** SWC writes the types of constructor parameters down, by which Nest injects. */
export default defineConfig({
  plugins: [swc.vite({ module: { type: 'es6' } })],
  test: { include: ['kit.vitest.ts'] },
});
