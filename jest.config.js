import { chromiumPath } from './test/browser/chromium.js';

/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.spec.ts'],
  // What needs a browser runs when one is found, and says so when not.
  testPathIgnorePatterns: ['/node_modules/', ...(chromiumPath ? [] : ['<rootDir>/test/browser/'])],
  reporters: ['default', ...(chromiumPath ? [] : ['<rootDir>/test/browser/notice.reporter.js'])],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2023',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
        },
        module: { type: 'nodenext' },
      },
    ],
  },
  // Every file gets its own ESM registry and the worker keeps it: without a limit memory grows by 22 MB a file.
  workerIdleMemoryLimit: '300MB',
  maxWorkers: 2,
  testTimeout: 15000,
  coverageProvider: 'babel',
  collectCoverageFrom: ['lib/**/*.ts'],
};
