import type { Dispatcher } from 'undici';

import { Connections } from '../http/connections.js';
import type { CustomFetch } from '../http/exchange.js';
import { httpOptionsSchema, type HttpOptions } from '../http/http.options.js';
import { Transport } from '../http/transport.js';
import { validate } from '../values/validate.js';

/** How a server is called before there is a client. */
export interface IssuerCallOptions {
  /** Limits of the calls; the same as of the module. */
  readonly http?: HttpOptions;
  /** A dispatcher of undici, as `OIDC_DISPATCHER`. Default: connections of our own, which are closed after the call. */
  readonly dispatcher?: Dispatcher;
  /** A Fetch API in place of the transport. */
  readonly fetch?: CustomFetch;
  /** Allows plain http, and addresses of private networks. Default false. */
  readonly insecureHttp?: boolean;
}

/** Calls a server over connections that end with the work. */
export async function callingIssuer<T>(
  { http = {}, dispatcher, fetch }: IssuerCallOptions,
  work: (transport: Transport) => Promise<T>,
): Promise<T> {
  const connections = new Connections(validate(httpOptionsSchema, http, 'http'), Date.now, { dispatcher, fetch });
  try {
    return await work(new Transport(connections));
  } finally {
    await connections.close();
  }
}
