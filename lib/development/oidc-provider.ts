import { ConfigError } from '../errors/errors.js';
import { textMember } from '../values/member.js';

/** The package `oidc-provider`. */
export type OidcProvider = typeof import('oidc-provider');

/**
 * Loads the package `oidc-provider`, which an application installs for its development.
 *
 * @throws {ConfigError} it is not installed
 */
export async function loadOidcProvider(
  load: () => Promise<OidcProvider> = () => import('oidc-provider'),
): Promise<OidcProvider> {
  try {
    return await withoutRuntimeWarning(load);
  } catch (error) {
    if (textMember(error, 'code') !== 'ERR_MODULE_NOT_FOUND') {
      throw error;
    }
    const problem = 'needs the package oidc-provider: npm install --save-dev oidc-provider';
    throw new ConfigError('INVALID_CONFIG', 'development', problem, { cause: error });
  }
}

/** While it is loaded it warns of each Node below 22. It works there, and we test it there. All else is printed. */
async function withoutRuntimeWarning<T>(load: () => Promise<T>): Promise<T> {
  const { warn } = console;
  console.warn = (...words: unknown[]) => {
    if (!String(words[0]).includes('Unsupported runtime')) {
      warn(...words);
    }
  };
  try {
    return await load();
  } finally {
    console.warn = warn;
  }
}
