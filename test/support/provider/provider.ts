import { randomBytes } from 'node:crypto';

import type { LoopbackProvider } from '../../../lib/testing/provider/loopback-provider.js';
import type { TestClock } from '../clock.js';
import { closeLater } from '../closing.js';
import { HostileProvider, type TestProviderOptions } from './hostile-provider.js';

/** Long enough as the key of HS512. */
export const CLIENT_SECRET = randomBytes(48).toString('base64url');

/** A provider that is closed by itself. */
export async function startProvider(options: TestProviderOptions & { keep?: boolean } = {}): Promise<HostileProvider> {
  return closeLater(await HostileProvider.start(options), options.keep);
}

/** The provider before a test tells it to be wrong. */
export type CorrectProvider = LoopbackProvider<TestClock>;
