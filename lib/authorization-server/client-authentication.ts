import { randomUUID } from 'node:crypto';

import type { Clock } from '../clock/clock.js';
import type { ClientAuthenticationMethod } from '../metadata/authentication-method.js';
import type { RegisteredClient } from '../metadata/registered-client.js';
import { chain, type Awaitable } from '../values/awaitable.js';
import type { Secret } from '../values/secret.js';
import { clientSignature, type ClientSignature } from './client-signature.js';
import { formEncodeValue } from './form-encoding.js';

/** Client credentials: what a request carries to say who the client is. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly form: Readonly<Record<string, string>>;
  /** The secret in them, if a function made it: there may be another one. */
  readonly renewable?: Secret;
}

/** Client authentication: makes the credentials of a request. They are the same every time, or an assertion that is used once. */
export type ClientAuthentication = () => Awaitable<Credentials>;

export interface AuthenticationContext {
  readonly client: RegisteredClient;
  readonly issuer: string;
  readonly clock: Clock;
}

/** Lifetime of an assertion in seconds: long enough for one request. */
const ASSERTION_LIFETIME = 60;

const METHODS: Readonly<Record<ClientAuthenticationMethod, (context: AuthenticationContext) => ClientAuthentication>> =
  {
    none: namedOnly,
    // RFC 8705, section 2: the certificate is the dispatcher's to show.
    tls_client_auth: namedOnly,
    self_signed_tls_client_auth: namedOnly,
    client_secret_basic: (context) =>
      withSecret(context, (client_id, secret) => ({ headers: { authorization: basic(client_id, secret) }, form: {} })),
    client_secret_post: (context) =>
      withSecret(context, (client_id, client_secret) => ({ headers: {}, form: { client_id, client_secret } })),
    client_secret_jwt: (context) => {
      const alg = context.client.metadata.token_endpoint_auth_signing_alg ?? 'HS256';
      return assertions(context, clientSignature(context.client, alg));
    },
    private_key_jwt: (context) =>
      assertions(context, clientSignature(context.client, context.client.metadata.token_endpoint_auth_signing_alg)),
  };

/** Client authentication by a method (OpenID Connect Core 1.0, section 9). No other method is tried. */
export function clientAuthentication(
  method: ClientAuthenticationMethod,
  context: AuthenticationContext,
): ClientAuthentication {
  return METHODS[method](context);
}

function namedOnly({ client }: AuthenticationContext): ClientAuthentication {
  return always({ headers: {}, form: { client_id: client.metadata.client_id } });
}

function always(credentials: Credentials): ClientAuthentication {
  return () => credentials;
}

/** Credentials with the secret itself: made once, or from what the application's function gives for each request. */
function withSecret(
  { client, clock }: AuthenticationContext,
  make: (clientId: string, secret: string) => Credentials,
): ClientAuthentication {
  const { client_id } = client.metadata;
  const { renewableSecret } = client;
  return renewableSecret === undefined
    ? always(make(client_id, secretOf(client)))
    : () =>
        chain(renewableSecret.current(clock.now()), (renewable) => ({
          ...make(client_id, renewable.reveal()),
          renewable,
        }));
}

/** Basic credentials. Each half is form-urlencoded first (RFC 6749, section 2.3.1). */
function basic(clientId: string, secret: string): string {
  const pair = `${formEncodeValue(clientId)}:${formEncodeValue(secret)}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

function secretOf(client: RegisteredClient): string {
  return client.metadata.client_secret?.reveal() ?? '';
}

/** Client assertions (RFC 7523, section 2.2), a new one for each request. Their audience is the issuer alone, so that no other server can use one. */
function assertions({ client, issuer, clock }: AuthenticationContext, sign: ClientSignature): ClientAuthentication {
  const { client_id } = client.metadata;
  return async () => {
    const iat = Math.floor(clock.seconds());
    const exp = iat + ASSERTION_LIFETIME;
    const claims = { iss: client_id, sub: client_id, aud: issuer, jti: randomUUID(), iat, exp };
    return {
      headers: {},
      form: {
        client_id,
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: await sign(claims),
      },
    };
  };
}
