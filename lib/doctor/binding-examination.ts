import { printable } from '../errors/log-line.js';
import type { ServerMetadata } from '../metadata/server-metadata.js';
import { AUTHENTICATION_METHODS, METHOD_MEMBERS } from '../metadata/authentication-method.js';
import type { RegisteredClient } from '../metadata/registered-client.js';
import type { ResourceServerSettings } from '../resource-server/resource-server.options.js';
import { confirmationOf } from '../resource-server/sender-constraint/confirmation.js';
import type { JsonValue } from '../values/json.js';
import type { Line } from './report.js';

/** A way to bind access tokens to who may send them. */
interface Binding {
  /** What a token is bound to. */
  readonly to: 'key' | 'certificate';
  /** The member of the client's metadata that asks for it. */
  readonly registered: 'dpop_bound_access_tokens' | 'tls_client_certificate_bound_access_tokens';
  /** The member by which the server says that it can. */
  readonly published: string;
  readonly rule: string;
  /** The option by which an API takes such tokens. */
  readonly option: 'dpop' | 'mtls';
  /** The member of `cnf`. */
  readonly confirmation: 'jkt' | 'x5t#S256';
  /** What the caller has to show. */
  readonly shown: string;
  isThere(metadata: ServerMetadata): boolean;
}

const BINDINGS: readonly Binding[] = [
  {
    to: 'key',
    registered: 'dpop_bound_access_tokens',
    published: 'dpop_signing_alg_values_supported',
    rule: 'RFC 9449, section 5.1',
    option: 'dpop',
    confirmation: 'jkt',
    shown: 'Authorization: DPoP, and with a proof of the key',
    isThere: (metadata) => metadata.dpop_signing_alg_values_supported !== undefined,
  },
  {
    to: 'certificate',
    registered: 'tls_client_certificate_bound_access_tokens',
    published: 'tls_client_certificate_bound_access_tokens',
    rule: 'RFC 8705, section 3.3',
    option: 'mtls',
    confirmation: 'x5t#S256',
    shown: 'Authorization: Bearer, over TLS with the certificate',
    isThere: (metadata) => metadata['tls_client_certificate_bound_access_tokens'] === true,
  },
];

/** What the client and the API ask of the server to bind tokens, and the server does not say that it does. */
export function unsaidBindings(
  metadata: ServerMetadata,
  client: RegisteredClient,
  settings: ResourceServerSettings | undefined,
): readonly Line[] {
  return BINDINGS.filter(({ isThere }) => !isThere(metadata)).flatMap(({ to, registered, published, rule, option }) => {
    const unsaid = `the server does not say that it binds tokens to a ${to} (${published}; ${rule})`;
    return [
      ...(client.metadata[registered] === true ? [`client.${registered}: ${unsaid}.`] : []),
      ...(settings?.[option]?.required === true
        ? [`resourceServer.${option}.required refuses every other token, and ${unsaid}.`]
        : []),
    ].map((text) => ({ level: 'warning', text }) as const);
  });
}

/** How the client shows its certificate at the server (RFC 8705). */
export function certificateUse(metadata: ServerMetadata, client: RegisteredClient): readonly Line[] {
  const why = whyCertificate(client);
  if (why.length === 0) {
    return [];
  }
  const aliases = Object.keys(metadata.mtls_endpoint_aliases ?? {});
  const where =
    aliases.length === 0
      ? 'The server has no mtls_endpoint_aliases: its usual endpoints have to ask for the certificate'
      : `The certificate goes to mtls_endpoint_aliases for ${aliases.map(printable).join(', ')}; other endpoints are the usual ones`;
  return [
    {
      level: 'note',
      text: `The client needs a certificate (${why.join(', ')}), which the dispatcher in OIDC_DISPATCHER has to show. The doctor shows none.`,
    },
    { level: 'note', text: `${where} (RFC 8705, section 5).` },
  ];
}

/** What in the registration needs a certificate. */
function whyCertificate({ metadata }: RegisteredClient): readonly string[] {
  const methods = METHOD_MEMBERS.map((member) => metadata[member]);
  return [
    ...new Set(methods.filter((method) => AUTHENTICATION_METHODS[method].needs === 'certificate')),
    ...(metadata.tls_client_certificate_bound_access_tokens === true
      ? ['tls_client_certificate_bound_access_tokens']
      : []),
  ];
}

/**
 * Whom a token is for, by its `cnf` (RFC 7800), and whether the API takes such tokens.
 *
 * @throws {AccessTokenError} `TOKEN_BINDING`: it is bound in a way that is not understood
 */
export function bindingLines(
  cnf: JsonValue | undefined,
  settings: ResourceServerSettings | undefined,
): readonly Line[] {
  const confirmation = confirmationOf(cnf);
  const bound = BINDINGS.filter(({ confirmation: member }) => confirmation[member] !== undefined);
  const problem = (text: string): Line => ({ level: 'problem', text, code: 'TOKEN_BINDING' });
  const required = BINDINGS.filter(
    ({ option, confirmation: member }) => settings?.[option]?.required === true && confirmation[member] === undefined,
  );
  return [
    ...bound.flatMap(({ to, confirmation: member, shown, option }): readonly Line[] => [
      { level: 'note', text: `It is bound to a ${to} (cnf.${member}): it has to be sent with ${shown}.` },
      ...(settings !== undefined && settings[option] === undefined
        ? [problem(`It is bound to a ${to}, and resourceServer.${option} is not set: the API refuses it.`)]
        : []),
    ]),
    ...required.map(({ to, option }) =>
      problem(`It is bound to no ${to}, and resourceServer.${option}.required is set.`),
    ),
    ...(bound.length === 0 && required.length === 0 && settings?.isBindingRequired === true
      ? [problem('It is bound to nothing, and the profile takes bound tokens only.')]
      : []),
  ];
}
