import type { Server } from '../authorization-server/server.js';
import { printable } from '../errors/log-line.js';
import { LONGEST_ACCESS_TOKEN } from '../jose/purpose.js';
import { audiencesOf } from '../jose/jwt.js';
import { unverifiedJwt, type UnverifiedJwt } from '../jose/unverified-jwt.js';
import { AUTHENTICATION_METHODS } from '../metadata/authentication-method.js';
import type { Servers } from '../module/servers.js';
import type { Validation } from '../nest/access-rule.js';
import type { ResourceServerSettings } from '../resource-server/resource-server.options.js';
import { trustedIssuers } from '../resource-server/resource-server.js';
import { TrustedIssuer } from '../resource-server/trusted-issuer.js';
import { AccessTokenReader } from '../tokens/access-token-reader.js';
import { ACCESS_TOKEN_PROFILES } from '../tokens/access-token-profiles.js';
import { profilesThatTake } from '../tokens/access-token-readers.js';
import type { AccessTokenClaims } from '../tokens/access-token.js';
import type { VerifiedAccessToken } from '../tokens/verified-access-token.js';
import { bindingLines } from './binding-examination.js';
import { examined } from './problem.js';
import type { Line } from './report.js';

/** Bytes of a header line that nginx takes by default (`large_client_header_buffers`). */
const NGINX_LINE = 8192;

/** What a token is verified by. */
interface Check {
  readonly reader: AccessTokenReader;
  readonly validation: Validation;
}

/** What is to be said of an access token; none of the lines has a part of it that is secret. */
export async function tokenLines(
  server: Server,
  servers: Servers,
  token: string,
  settings: ResourceServerSettings | undefined,
): Promise<readonly Line[]> {
  const jwt = unverifiedJwt(token);
  const shape = [...sizeLines(token), ...shapeLines(jwt, settings)];
  if (token.length > LONGEST_ACCESS_TOKEN || (jwt === undefined && settings?.validation === 'jwt')) {
    // Its shape has said so.
    return shape;
  }
  let claims: AccessTokenClaims | undefined = jwt?.claims;
  const verdict = await examined(async () => {
    const unasked = whyUnasked(server, jwt, settings);
    if (unasked !== undefined) {
      return [{ level: 'note', text: unasked }];
    }
    const verified = await verify(server, servers, token, settings);
    claims = verified.claims;
    return goodLines(verified, settings);
  });
  return [...shape, ...verdict, ...(await examined(() => bindingLines(claims?.cnf, settings)))];
}

function sizeLines({ length }: string): readonly Line[] {
  const size = `It has ${length} characters`;
  if (length > LONGEST_ACCESS_TOKEN) {
    return [
      { level: 'problem', text: `${size}; at most ${LONGEST_ACCESS_TOKEN} are read, and Node takes 16 KB of headers.` },
    ];
  }
  return length + 'Authorization: Bearer '.length > NGINX_LINE
    ? [{ level: 'warning', text: `${size}; nginx takes 8 KB: set large_client_header_buffers 4 16k.` }]
    : [{ level: 'ok', text: `${size}, which every proxy takes.` }];
}

/** The options that fit its shape. */
function shapeLines(jwt: UnverifiedJwt | undefined, settings: ResourceServerSettings | undefined): readonly Line[] {
  if (jwt === undefined) {
    return [
      { level: 'note', text: "It is opaque: resourceServer.validation 'introspection' and 'auto' take it." },
      ...(settings?.validation === 'jwt'
        ? [{ level: 'problem', text: "resourceServer.validation is 'jwt', which takes no opaque token." } as const]
        : []),
    ];
  }
  const profiles = profilesThatTake(jwt);
  return [
    profiles.length === 0
      ? { level: 'note', text: 'It is a JWT that no profile of access tokens takes. It may be an ID token.' }
      : {
          level: 'note',
          text: `It is a JWT for resourceServer.accessTokens: ${profiles.map((name) => `'${name}'`).join(', ')}; validation 'jwt' or 'auto'.`,
        },
  ];
}

/** Why nobody can tell whether a token is good; undefined: it can be told. */
function whyUnasked(
  { canIntrospect, client, transport }: Server,
  jwt: UnverifiedJwt | undefined,
  settings: ResourceServerSettings | undefined,
): string | undefined {
  if (transport.openErrors.length > 0) {
    return 'Whether it is good can not be told while the server does not answer.';
  }
  const { validation } = settings ?? checkByShape(jwt);
  if (validation === 'jwt' || (validation === 'auto' && jwt !== undefined)) {
    return undefined;
  }
  if (!canIntrospect) {
    return 'Only the server can tell whether it is good: give --config with the client and its secret.';
  }
  const { needs } = AUTHENTICATION_METHODS[client.metadata.introspection_endpoint_auth_method];
  return needs === 'certificate' && client.fetch === undefined
    ? 'Only the server can tell whether it is good, and asks for a certificate that the doctor has not.'
    : undefined;
}

/** Verifies a token as the API does, but for who sends it. @throws {OidcError} why the API does not take it */
async function verify(
  server: Server,
  servers: Servers,
  token: string,
  settings: ResourceServerSettings | undefined,
): Promise<VerifiedAccessToken> {
  const jwt = unverifiedJwt(token);
  const { operator } = server;
  if (settings === undefined) {
    const { reader, validation } = checkByShape(jwt);
    const means = { reader, algorithms: undefined, cache: undefined, store: undefined, operator };
    return new TrustedIssuer(server, server.canIntrospect ? server : undefined, means).verify(token, validation, {});
  }
  const issuers = trustedIssuers(settings, { server, servers, store: undefined, operator });
  const issuer = await issuers.get(issuers.areSeveral ? jwt?.iss : undefined);
  return issuers.requireOwn(await issuer.verify(token, settings.validation, {}), issuer);
}

function goodLines(verified: VerifiedAccessToken, settings: ResourceServerSettings | undefined): readonly Line[] {
  const scopes = verified.scopes.length === 0 ? 'no scopes' : `the scopes ${verified.scopes.map(printable).join(' ')}`;
  return [
    { level: 'ok', text: `It is good, with ${scopes}.` },
    ...(settings === undefined
      ? [{ level: 'note', text: 'Its audience was not compared: give --config with resourceServer.audience.' } as const]
      : []),
  ];
}

/** Without options: the first profile that takes it, and its own audience. */
function checkByShape(jwt: UnverifiedJwt | undefined): Check {
  const [name] = jwt === undefined ? [] : profilesThatTake(jwt);
  const profile = Object.entries(ACCESS_TOKEN_PROFILES).find(([known]) => known === name)?.[1];
  const own = jwt === undefined ? [] : audiencesOf(jwt.claims['aud']);
  return {
    reader: new AccessTokenReader(profile ?? ACCESS_TOKEN_PROFILES.rfc9068, own.length === 0 ? undefined : own),
    validation: jwt === undefined ? 'introspection' : 'jwt',
  };
}
