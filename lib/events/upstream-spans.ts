import { SpanKind, SpanStatusCode, type Attributes, type Span, type Tracer } from '@opentelemetry/api';

import type { UpstreamCall, UpstreamCallEnd } from './channels.js';

/** Attributes of a call that spans and metrics share (OpenTelemetry's semantic conventions for HTTP clients). */
export function attributesOf({ method, endpoint, address, port }: UpstreamCall): Attributes {
  return {
    'http.request.method': method,
    'server.address': address,
    'server.port': port,
    'nestjs_oidc.endpoint': endpoint,
  };
}

/** Attributes of its end. A client takes an answer of 4xx for an error too. */
export function endAttributesOf({ status, code }: UpstreamCallEnd): Attributes {
  const type = code ?? (status !== undefined && status >= 400 ? String(status) : undefined);
  return {
    ...(status !== undefined && { 'http.response.status_code': status }),
    ...(type !== undefined && { 'error.type': type }),
  };
}

/** Spans of calls to the provider. */
export class UpstreamSpans {
  readonly #running = new WeakMap<UpstreamCall, Span>();

  constructor(private readonly tracer: Tracer) {}

  start(call: UpstreamCall): void {
    // Without a context of its own it is a child of the active span: the channel speaks inside of the caller.
    const span = this.tracer.startSpan(`${call.method} ${call.endpoint}`, {
      kind: SpanKind.CLIENT,
      attributes: { ...attributesOf(call), 'url.full': call.url },
    });
    this.#running.set(call, span);
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
