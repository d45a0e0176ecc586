import { metrics, trace, type MeterProvider, type TracerProvider } from '@opentelemetry/api';

import { subscribed } from './channels.js';
import { recordMetrics, type Watch } from './metrics.js';
import { UpstreamSpans } from './upstream-spans.js';

/** The instrumentation scope of all spans and metrics. */
const SCOPE = 'nestjs-oidc';

/** Whose spans and metrics the instrumentation makes. */
export interface OidcInstrumentationOptions {
  /** Default: the global one. */
  readonly tracerProvider?: TracerProvider | undefined;
  /** Default: the global one. */
  readonly meterProvider?: MeterProvider | undefined;
}

/**
 * Traces and metrics with OpenTelemetry. Call it once, before the application starts and after the SDK has. Calls to the
 * provider and to APIs become spans of kind CLIENT, children of the span that is active, and APIs get the trace context. What
 * spans and metrics are named stands in `lib/events/README.md`.
 *
 * ```ts
 * import { instrumentOidc } from 'nestjs-oidc/opentelemetry';
 *
 * const stop = instrumentOidc();
 * process.once('beforeExit', stop);
 * ```
 *
 * @returns stops it
 */
export function instrumentOidc(options: OidcInstrumentationOptions = {}): () => void {
  const { tracerProvider = trace, meterProvider = metrics } = options;
  const stops: (() => void)[] = [];
  const watch: Watch = (name, listener) => void stops.push(subscribed(name, listener));
  const spans = new UpstreamSpans(tracerProvider.getTracer(SCOPE));
  watch('nestjs-oidc:upstream:start', (call) => spans.start(call));
  watch('nestjs-oidc:upstream:end', (call) => spans.end(call));
  stops.push(recordMetrics(meterProvider.getMeter(SCOPE), watch));
  return () => stops.splice(0).forEach((stop) => stop());
}
