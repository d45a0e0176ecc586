import { channel } from 'node:diagnostics_channel';

/** Undici's own channel: a subscriber may add headers to each request. */
const undiciRequests = channel('undici:request:create');

/** The headers of W3C Trace Context. A request carries each at most once. */
export const TRACE_HEADERS: readonly string[] = ['traceparent', 'tracestate'];

/**
 * Whether somebody else watches each request of undici, as `@opentelemetry/instrumentation-undici` does. Such an
 * instrumentation writes the trace context by itself.
 */
export function isUndiciWatched(): boolean {
  return undiciRequests.hasSubscribers;
}
