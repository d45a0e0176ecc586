import {
  context,
  propagation,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Span,
  type Tracer,
} from '@opentelemetry/api';

import type { UpstreamCall, UpstreamCallEnd } from './channels.js';
import { isUndiciWatched } from './trace-context.js';

/** The methods that the conventions know. Any other is `_OTHER`: a browser behind the proxy makes up no value of a metric. */
const METHODS: readonly string[] = ['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'TRACE'];

/** `error.type` of a call that its caller gave up. */
const ABORTED = 'aborted';

/** Attributes of a call that spans and metrics share (OpenTelemetry's semantic conventions for HTTP clients). */
export function attributesOf({ method, endpoint }: UpstreamCall): Attributes {
  return {
    'http.request.method': METHODS.includes(method) ? method : '_OTHER',
    'nestjs_oidc.endpoint': endpoint,
  };
}

/** Attributes of the server that is called. */
export function serverAttributesOf({ address, port }: UpstreamCall): Attributes {
  return { 'server.address': address, 'server.port': port };
}

/** Attributes of its end. For a client an answer of 4xx is an error too. */
export function endAttributesOf({ status, code }: UpstreamCallEnd): Attributes {
  const type = code ?? (status === undefined ? ABORTED : status >= 400 ? String(status) : undefined);
  return {
    ...(status !== undefined && { 'http.response.status_code': status }),
    ...(type !== undefined && { 'error.type': type }),
  };
}

/** Spans of calls to the provider, and to APIs. */
export class UpstreamSpans {
  readonly #running = new WeakMap<UpstreamCall, Span>();

  constructor(private readonly tracer: Tracer) {}

  start(call: UpstreamCall): void {
    // Without a context of its own it is a child of the active span: the channel speaks inside of the caller.
    const { method, endpoint, url, carrier } = call;
    const isKnown = METHODS.includes(method);
    const span = this.tracer.startSpan(`${isKnown ? method : 'HTTP'} ${endpoint}`, {
      kind: SpanKind.CLIENT,
      attributes: {
        ...attributesOf(call),
        ...serverAttributesOf(call),
        ...(!isKnown && { 'http.request.method_original': method }),
        'url.full': url,
      },
    });
    this.#running.set(call, span);
    if (carrier !== undefined && !isUndiciWatched()) {
      propagation.inject(trace.setSpan(context.active(), span), carrier);
    }
  }

  end(call: UpstreamCall & { readonly end: UpstreamCallEnd }): void {
    const span = this.#running.get(call);
    const attributes = endAttributesOf(call.end);
    span?.setAttributes(attributes);
    if (call.end.retries > 0) {
      span?.setAttribute('http.request.resend_count', call.end.retries);
    }
    if ('error.type' in attributes) {
      span?.setStatus({ code: SpanStatusCode.ERROR });
    }
    span?.end();
  }
}
