import type { Server } from '../authorization-server/server.js';
import { LONGEST_ACCESS_TOKEN } from '../jose/purpose.js';
import { audiencesOf } from '../jose/jwt.js';
import { unverifiedJwt, type UnverifiedJwt } from '../jose/unverified-jwt.js';
import type { Validation } from '../nest/access-rule.js';
import type { ResourceServerSettings } from '../resource-server/resource-server.options.js';
import { TrustedIssuer } from '../resource-server/trusted-issuer.js';
import { AccessTokenReader } from '../tokens/access-token-reader.js';
import { ACCESS_TOKEN_PROFILES } from '../tokens/access-token-profiles.js';
import { accessTokenReader, profilesThatTake } from '../tokens/access-token-readers.js';
import { examined } from './problem.js';
import type { Line } from './report.js';

/** Bytes of a header line that nginx takes by default (`large_client_header_buffers`). */
const NGINX_LINE = 8192;

/** What a token is verified by. */
interface Check {
  readonly reader: AccessTokenReader;
  readonly validation: Validation;
  readonly algorithms: readonly string[] | undefined;
}

/** What is to be said of an access token; none of the lines has a part of it that is secret. */
export async function tokenLines(
  server: Server,
  token: string,
  settings: ResourceServerSettings | undefined,
): Promise<readonly Line[]> {
  const jwt = unverifiedJwt(token);
  return [
    ...sizeLines(token),
    ...shapeLines(jwt, settings),
    ...(await examined(() => verdict(server, token, jwt, settings))),
  ];
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
      { level: 'note', text: "It is opaque: resourceServer.validation must be 'introspection' or 'auto'." },
      ...(settings?.validation === 'jwt'
        ? [{ level: 'problem', text: "resourceServer.validation is 'jwt', and takes no opaque token." } as const]
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

/** Whether an API takes it. @throws {OidcError} why it does not */
async function verdict(
  server: Server,
  token: string,
  jwt: UnverifiedJwt | undefined,
  settings: ResourceServerSettings | undefined,
): Promise<readonly Line[]> {
  const check = settings === undefined ? checkByShape(jwt) : checkBy(settings);
  if (token.length > LONGEST_ACCESS_TOKEN || (jwt === undefined && check.validation === 'jwt')) {
    // Its shape has said so.
    return [];
  }
  if (check.validation !== 'jwt' && !server.canIntrospect) {
    return [
      {
        level: 'note',
        text: 'Only the server can tell whether it is good: give --config with the client and its secret.',
      },
    ];
  }
  const issuer = new TrustedIssuer(server, server.canIntrospect ? server : undefined, {
    reader: check.reader,
    algorithms: check.algorithms,
    cache: undefined,
    store: undefined,
    operator: server.operator,
  });
  const verified = await issuer.verify(token, check.validation, {});
  const scopes = verified.scopes.length === 0 ? 'no scopes' : `the scopes ${verified.scopes.join(' ')}`;
  return [
    { level: 'ok', text: `It is good, with ${scopes}.` },
    ...(settings === undefined
      ? [{ level: 'note', text: 'Its audience was not compared: give --config with resourceServer.audience.' } as const]
      : []),
  ];
}

function checkBy({ accessTokens, audience, validation, algorithms }: ResourceServerSettings): Check {
  const audiences = audience === false ? undefined : [audience].flat();
  return { reader: accessTokenReader(accessTokens, audiences, 'resourceServer.audience'), validation, algorithms };
}

/** Without options: the first profile that takes it, and its own audience. */
function checkByShape(jwt: UnverifiedJwt | undefined): Check {
  const [name] = jwt === undefined ? [] : profilesThatTake(jwt);
  const profile = Object.entries(ACCESS_TOKEN_PROFILES).find(([known]) => known === name)?.[1];
  const own = jwt === undefined ? [] : audiencesOf(jwt.claims['aud']);
  return {
    reader: new AccessTokenReader(profile ?? ACCESS_TOKEN_PROFILES.rfc9068, own.length === 0 ? undefined : own),
    validation: jwt === undefined ? 'introspection' : 'jwt',
    algorithms: undefined,
  };
}
