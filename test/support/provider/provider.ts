import { randomBytes } from 'node:crypto';

import { closeLater } from '../closing.js';
import type { TestProviderOptions } from './correct/test-provider.js';
import { HostileProvider } from './hostile-provider.js';

/** Long enough as the key of HS512. */
export const CLIENT_SECRET = randomBytes(48).toString('base64url');

/** A provider that is closed by itself. */
export async function startProvider(options: TestProviderOptions & { keep?: boolean } = {}): Promise<HostileProvider> {
  return closeLater(await HostileProvider.start(options), options.keep);
}
