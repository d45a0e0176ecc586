import { chromiumPath } from './test/whole/browser/chromium.js';
import { nginxPath } from './test/whole/nginx/nginx.js';
import { redisServerPath } from './test/whole/redis/redis-server.js';

/** Tests that need more than Node run when it is found, and what is missing is told when not. */
const missing = [
  { folder: 'test/whole/browser', what: 'Chromium', variable: 'CHROMIUM', path: chromiumPath },
  { folder: 'test/whole/nginx', what: 'nginx', variable: 'NGINX', path: nginxPath },
  { folder: 'test/whole/redis', what: 'redis-server', variable: 'REDIS_SERVER', path: redisServerPath },
].filter(({ path }) => path === undefined);

/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.spec.ts'],
  testPathIgnorePatterns: ['/node_modules/', ...missing.map(({ folder }) => `<rootDir>/${folder}/`)],
  reporters: ['default', ['<rootDir>/test/missing.reporter.js', { missing }]],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': '$1',
    // The samples import the package by its name.
    '^nestjs-oidc$': '<rootDir>/lib/index.ts',
    '^nestjs-oidc/(opentelemetry|redis|swagger|terminus|testing)$': '<rootDir>/lib/$1.ts',
  },
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
  // Of a test that hangs. A machine that does other things as well may take some times as long as a quiet one.
  testTimeout: 120_000,
  coverageProvider: 'babel',
  collectCoverageFrom: ['lib/**/*.ts'],
};
