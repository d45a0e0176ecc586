import { ValueType, type Attributes, type Counter, type Meter } from '@opentelemetry/api';

import { STRANGERS_ENDPOINTS, type OidcMessages } from './channels.js';
import { attributesOf, endAttributesOf, serverAttributesOf } from './upstream-spans.js';

/** The buckets in seconds that OpenTelemetry's semantic conventions advise for `http.client.request.duration`. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** Subscribes to a channel. */
export type Watch = <Name extends keyof OidcMessages>(
  name: Name,
  listener: (message: OidcMessages[Name]) => void,
) => void;

const errorType = (code: string | undefined): Attributes => (code === undefined ? {} : { 'error.type': code });

/** Records the metrics of all channels. @returns stops the gauges; the SDK reads them by itself */
export function recordMetrics(meter: Meter, watch: Watch): () => void {
  const counter = (name: string, unit: string, description: string): Counter =>
    meter.createCounter(name, { unit, description, valueType: ValueType.INT });

  const decisions = counter('nestjs_oidc.decisions', '{decision}', 'Decisions of guards.');
  watch('nestjs-oidc:decision', ({ guard, call, route, client_id, outcome, code }) =>
    decisions.add(1, {
      'nestjs_oidc.guard': guard,
      'nestjs_oidc.call': call,
      'nestjs_oidc.route': route,
      'nestjs_oidc.client_id': client_id,
      'nestjs_oidc.outcome': outcome,
      ...errorType(code),
    }),
  );

  const lookups = counter('nestjs_oidc.cache.lookups', '{lookup}', 'Looks into the cache of tokens.');
  watch('nestjs-oidc:cache', ({ cache, result }) =>
    lookups.add(1, { 'nestjs_oidc.cache': cache, 'nestjs_oidc.result': result }),
  );

  const flights = counter('nestjs_oidc.flights.shared', '{caller}', 'Callers that share the call of another one.');
  watch('nestjs-oidc:flight', ({ flight, among }) =>
    flights.add(1, { 'nestjs_oidc.flight': flight, 'nestjs_oidc.among': among }),
  );

  const events = counter('nestjs_oidc.audit.events', '{event}', 'Logins, refreshes, logouts, refusals, evictions.');
  watch('nestjs-oidc:audit', ({ event, outcome, reason }) =>
    events.add(1, { 'nestjs_oidc.event': event, 'nestjs_oidc.outcome': outcome, ...errorType(reason) }),
  );

  const breakers = meter.createUpDownCounter('nestjs_oidc.breakers', {
    unit: '{breaker}',
    description: 'Circuit breakers that are not closed.',
    valueType: ValueType.INT,
  });
  watch('nestjs-oidc:breaker', ({ server, before, state }) => {
    const count = (by: number, one: string): void => {
      if (one !== 'closed') {
        breakers.add(by, { 'nestjs_oidc.server': server, 'nestjs_oidc.state': one });
      }
    };
    count(-1, before);
    count(1, state);
  });

  const duration = meter.createHistogram('http.client.request.duration', {
    unit: 's',
    description: 'Duration of calls to the provider and to APIs.',
    advice: { explicitBucketBoundaries: BUCKETS },
  });
  watch('nestjs-oidc:upstream:end', (call) =>
    duration.record(call.end.duration, {
      ...attributesOf(call),
      // Each host is a series of its own, and the SDK keeps a limited number of them.
      ...(STRANGERS_ENDPOINTS.includes(call.endpoint) ? {} : serverAttributesOf(call)),
      ...endAttributesOf(call.end),
    }),
  );

  const bounds = new Map<string, number | undefined>();
  watch('nestjs-oidc:operator', (event) => {
    if (event.kind === 'revocation-bounds') {
      event.bounds.forEach(({ route, seconds }) => bounds.set(route, seconds));
    }
  });
  meter
    .createObservableGauge('nestjs_oidc.revocation.bound', {
      unit: 's',
      description: 'How long a revoked token passes at a route, at most.',
    })
    .addCallback((result) =>
      bounds.forEach((seconds, route) => {
        if (seconds !== undefined) {
          result.observe(seconds, { 'nestjs_oidc.route': route });
        }
      }),
    );
  meter
    .createObservableGauge('nestjs_oidc.revocation.until_expiry', {
      unit: '{route}',
      description: '1: a revoked token passes at the route until its exp.',
      valueType: ValueType.INT,
    })
    .addCallback((result) =>
      bounds.forEach((seconds, route) => {
        if (seconds === undefined) {
          result.observe(1, { 'nestjs_oidc.route': route });
        }
      }),
    );
  return () => bounds.clear();
}
