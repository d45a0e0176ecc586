import { chromium, type Browser } from 'playwright-core';

import { chromiumPath } from './chromium.js';

/**
 * A Chromium that asks nobody outside for anything.
 *
 * @param more arguments
 */
export function launchChromium(...more: readonly string[]): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath ?? '',
    timeout: 60_000,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...more,
    ],
  });
}
