import type { HttpSettings } from '../../../lib/http/http.options.js';
import type { Fault } from '../../../lib/testing/http-faults.js';

/** Limits of calls as applications have them, but for the times: a machine that does other things as well is no outage. */
export const LIMITS: HttpSettings = {
  timeout: 60_000,
  connectTimeout: 60_000,
  maxResponseSize: 524_288,
  maxJsonDepth: 32,
  maxConcurrent: 128,
};

/** The options `http` for a fault: a provider that never answers is waited for no longer than a second. */
export function httpFor(fault: Fault): Partial<HttpSettings> {
  return fault === 'hang' || fault === 'stall' ? { timeout: 1000 } : {};
}
