import { expect, it } from '@jest/globals';

import { requestHeaders, responseHeaders } from '../../../lib/session/bff/forwarded-headers.js';

it('hands on what the browser says to the API, line by line', () => {
  const lines = ['Accept', 'a', 'X-Trace', '1', 'x-trace', '2', 'If-None-Match', '"e"', 'Content-Length', '3'];
  expect(requestHeaders(lines, { isAsItCame: true })).toEqual([
    ['accept', 'a'],
    ['x-trace', '1'],
    ['x-trace', '2'],
    ['if-none-match', '"e"'],
    ['content-length', '3'],
  ]);
});

/** The API gets another header, and not this one. */
function expectKept(name: string): void {
  expect(requestHeaders([name, 'x', 'Accept', 'a'], { isAsItCame: true })).toEqual([['accept', 'a']]);
}

it.each([
  'Authorization',
  'b3',
  'Baggage',
  'Connection',
  'Cookie',
  'DPoP',
  'Expect',
  'Forwarded',
  'Host',
  'HTTP2-Settings',
  'Keep-Alive',
  'Origin',
  'Proxy-Authorization',
  'Proxy-Connection',
  'Referer',
  'Sec-Fetch-Site',
  'TE',
  'Traceparent',
  'Tracestate',
  'Trailer',
  'Transfer-Encoding',
  'Uber-Trace-Id',
  'Upgrade',
  'X-Amzn-Trace-Id',
  'X-B3-TraceId',
  'X-Cloud-Trace-Context',
  'X-CSRF',
  'X-Datadog-Trace-Id',
  'X-Forwarded-Host',
  'X-Forwarded-For',
  'X-HTTP-Method-Override',
  'X-Original-URL',
  'X-Rewrite-URL',
])('keeps %s of the browser from the API', expectKept);

it.each([
  'CF-Connecting-IP',
  'Cf-Access-Authenticated-User-Email',
  'Client-Cert',
  'Client-Cert-Chain',
  'Fastly-Client-IP',
  'Remote-User',
  'SSL-Client-Cert',
  'True-Client-IP',
  'X-Amzn-Mtls-Clientcert-Leaf',
  'X-Amzn-Oidc-Data',
  'X-ARR-ClientCert',
  'X-Auth-Request-User',
  'X-Client-Cert',
  'X-Client-IP',
  'X-Client-Verify',
  'X-Cluster-Client-IP',
  'X-Consumer-Username',
  'X-Envoy-Original-Path',
  'X-Goog-Authenticated-User-Email',
  'X-Goog-Iap-Jwt-Assertion',
  'X-MS-Client-Principal',
  'X-Remote-User',
  'X-SSL-Client-DN',
  'X-WebAuth-User',
])('MTLS-05 keeps %s from the API, which believes it of a gateway', expectKept);

it.each(['X_Forwarded_User', 'x-forwarded_for', 'X_HTTP_Method_Override', 'Transfer_Encoding', 'Client_Cert', 'Sec_X'])(
  'RS-18 keeps %s of the browser from the API, which may read it as with hyphens',
  (name) => {
    expect(requestHeaders([name, 'x', 'my_own', 'a'], { isAsItCame: true })).toEqual([['my_own', 'a']]);
  },
);

it('RS-18 ends and replaces headers in that spelling too', () => {
  const lines = ['Connection', 'X-One', 'X_One', '1', 'Content_Length', '3', 'Content_Encoding', 'gzip'];
  expect(requestHeaders(lines, { isAsItCame: false })).toEqual([]);
  expect(responseHeaders({ connection: 'x_one', x_one: '1', x_two: '2' })).toEqual([['x_two', '2']]);
});

it('ends headers at the connection that names them', () => {
  const lines = ['Connection', 'close, X-One', 'connection', 'x-two,content-length', 'X-One', '1', 'X-Two', '2'];
  expect(requestHeaders([...lines, 'Content-Length', '3', 'X-Three', '3'], { isAsItCame: true })).toEqual([
    ['content-length', '3'],
    ['x-three', '3'],
  ]);
  expect(responseHeaders({ connection: 'X-One', 'x-one': '1', 'x-two': ['2', '3'] })).toEqual([['x-two', ['2', '3']]]);
});

it('has another length and encoding where a parser has read the body', () => {
  const lines = ['Content-Encoding', 'gzip', 'Content-Length', '3', 'Content-Type', 'application/json'];
  expect(requestHeaders(lines, { isAsItCame: false })).toEqual([['content-type', 'application/json']]);
});

it.each([
  'access-control-allow-origin',
  'cache-control',
  'clear-site-data',
  'connection',
  'dpop-nonce',
  'keep-alive',
  'proxy-authenticate',
  'set-cookie',
  'strict-transport-security',
  'trailer',
  'transfer-encoding',
  'upgrade',
])('keeps %s of the API from the browser', (name) => {
  expect(responseHeaders({ [name]: 'x', etag: '"e"', 'x-none': undefined })).toEqual([['etag', '"e"']]);
});

it.each([
  'cloudflare-cdn-cache-control',
  'cdn-cache-control',
  'edge-control',
  'netlify-cdn-cache-control',
  'surrogate-control',
  'vercel-cdn-cache-control',
  'x-accel-charset',
  'x-accel-expires',
  'x-accel-limit-rate',
  'x-accel-redirect',
  'x-litespeed-cache-control',
  'x-litespeed-location',
  'x-lighttpd-send-file',
  'x-lighttpd-send-tempfile',
  'x-reproxy-url',
  'x-sendfile',
  'x-sendfile2',
  'x_accel_redirect',
])('keeps %s of the API from the server before the application, which would act on it', (name) => {
  expect(responseHeaders({ [name]: 'x', etag: '"e"' })).toEqual([['etag', '"e"']]);
});

it('hands on how an answer is to flow', () => {
  expect(responseHeaders({ 'x-accel-buffering': 'no' })).toEqual([['x-accel-buffering', 'no']]);
});
