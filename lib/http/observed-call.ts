import type { OidcErrorCode } from '../errors/codes.js';
import { upstreamEnds, upstreamStarts, type UpstreamCall } from '../events/channels.js';
import { locationOf } from '../values/url.js';

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

/** A call that may be watched. */
type ObservableCall = Pick<UpstreamCall, 'method' | 'endpoint' | 'url' | 'carrier'>;

/** What a call came to. Neither: the caller gave it up. */
interface CallResult {
  readonly status?: number | undefined;
  readonly error?: { readonly code: OidcErrorCode } | undefined;
}

/** A call that somebody watches: its start and its end are published with one object. */
export class ObservedCall {
  readonly #call: UpstreamCall;
  readonly #startedAt = performance.now();

  private constructor({ method, endpoint, url, carrier }: ObservableCall) {
    const { protocol, hostname, port } = new URL(url);
    const address = hostname.replace(/^\[|\]$/g, '');
    this.#call = {
      method,
      endpoint,
      url: locationOf(url) ?? '',
      address,
      port: port === '' ? (DEFAULT_PORTS[protocol] ?? 0) : Number(port),
      ...(carrier !== undefined && { carrier }),
    };
    upstreamStarts.publish(this.#call);
  }

  /** Publishes the start of a call; undefined where nobody watches. */
  static start(call: ObservableCall): ObservedCall | undefined {
    return upstreamStarts.hasSubscribers || upstreamEnds.hasSubscribers ? new ObservedCall(call) : undefined;
  }

  end({ status, error }: CallResult, retries: number): void {
    const duration = (performance.now() - this.#startedAt) / 1000;
    const end = { status, code: error?.code, duration, retries };
    upstreamEnds.publish(Object.assign(this.#call, { end }));
  }
}
