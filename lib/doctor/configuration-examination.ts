import type { Server } from '../authorization-server/server.js';
import { loginFindings } from '../login/login-findings.js';
import type { ExaminedKeys } from '../jose/key-faults.js';
import { isAsymmetric } from '../jose/algorithms.js';
import type { Finding } from '../metadata/finding.js';
import { allowedAlgorithms, PROTECTED_ANSWERS, type SignedAnswerName } from '../metadata/protected-answer.js';
import type { ServerMetadata } from '../metadata/server-metadata.js';
import type { ParsedOptions } from '../module/oidc.options.js';
import type { Servers } from '../module/servers.js';
import type { Validation } from '../nest/access-rule.js';
import { ResourceServer } from '../resource-server/resource-server.js';
import { sessionFindings } from '../session/session-findings.js';
import { Evictions } from '../tokens/evictions.js';
import { certificateUse, unsaidBindings } from './binding-examination.js';
import { credentialLines } from './credential-examination.js';
import { examined, findingLine } from './problem.js';
import type { Line } from './report.js';

const ANSWERS: readonly SignedAnswerName[] = ['id_token', 'userinfo', 'introspection', 'authorization'];

const RESOLVED: Line = {
  level: 'note',
  text: 'resourceServer.issuers is a function: ask the doctor about each issuer that it trusts.',
};

const ROUTES: Line = { level: 'note', text: 'The mounted routes are checked at the boot only.' };

/** What the configuration asks, and the server lacks; and what the boot refuses without a look at the server. */
export async function configurationLines(
  server: Server,
  servers: Servers,
  options: ParsedOptions,
  keys: ExaminedKeys | undefined,
): Promise<readonly Line[]> {
  const { client, resourceServer, routes } = options;
  const metadata = await server.metadata();
  const findings = await examined(async () => (await fit(server, options)).map(findingLine));
  const lines: readonly Line[] = [
    ...bootFindings(options).map(findingLine),
    ...(await examined(() => apiLines(server, servers, options))),
    ...findings,
    ...(keys === undefined ? [] : unverifiable(options, metadata, keys)),
    ...unsaidBindings(metadata, client, resourceServer),
    ...certificateUse(metadata, client),
    ...(typeof resourceServer?.issuers === 'function' ? [RESOLVED] : []),
    ...(routes === undefined ? [] : [ROUTES]),
  ];
  const isWrong = lines.some(({ level }) => level === 'problem');
  return isWrong ? lines : [...lines, ...(await credentialLines(server, resourceServer))];
}

/** The signed answers that nothing could verify: the server has no key for them. */
function unverifiable(
  { client, session }: ParsedOptions,
  metadata: ServerMetadata,
  { algorithms }: ExaminedKeys,
): readonly Line[] {
  const isNeeded = (name: SignedAnswerName): boolean =>
    name === 'id_token'
      ? session !== undefined
      : client.metadata[PROTECTED_ANSWERS[name].signing.registered] !== undefined;
  return ANSWERS.filter(isNeeded).flatMap((name): readonly Line[] => {
    const { registered, published } = PROTECTED_ANSWERS[name].signing;
    const allowed = allowedAlgorithms(name, client.metadata, metadata);
    if (allowed.length === 0) {
      return [{ level: 'problem', text: `server.${published} lists no algorithm that is taken.` }];
    }
    const isVerified = allowed.some((alg) => !isAsymmetric(alg) || algorithms.includes(alg));
    // That there is no key at all stands at the server.
    return isVerified || algorithms.length === 0
      ? []
      : [{ level: 'problem', text: `The server publishes no key for ${allowed.join(', ')} (client.${registered}).` }];
  });
}

/** What the guards of logins and sessions refuse at boot. A store is an object of the application: it is believed to be there. */
function bootFindings({ client, login, session }: ParsedOptions): readonly Finding[] {
  return session === undefined
    ? []
    : [...loginFindings(client.metadata, login), ...sessionFindings(client.metadata, session, true)];
}

/** @throws {ConfigError} what the API refuses at boot */
function apiLines(server: Server, servers: Servers, { resourceServer }: ParsedOptions): readonly Line[] {
  if (resourceServer !== undefined) {
    const { operator } = server;
    new ResourceServer(resourceServer, { server, servers, evictions: new Evictions(), store: undefined, operator });
  }
  return [];
}

/** What keeps the client from working with the server. */
function fit(server: Server, { client, login, session, resourceServer }: ParsedOptions): Promise<readonly Finding[]> {
  if (session !== undefined) {
    server.needs('authorization_endpoint', 'token_endpoint');
    if (login.nonce === 'unsupported') {
      server.needsPkce();
    }
    if (client.metadata.require_pushed_authorization_requests === true) {
      server.needs('pushed_authorization_request_endpoint');
    }
  }
  if (resourceServer?.validation === 'introspection') {
    server.needs('introspection_endpoint');
  } else if (resourceServer?.validation === 'auto') {
    server.uses('introspection_endpoint');
  }
  return server.findings(server.metadata());
}

/** What keeps our client at another issuer from introspecting tokens there. */
export function trustedIssuerLines(
  server: Server,
  validation: Validation | undefined,
  member: string,
): Promise<readonly Line[]> {
  return examined(async () => {
    if (validation === 'introspection') {
      server.needs('introspection_endpoint');
    } else if (validation === 'auto' || server.canIntrospect) {
      server.uses('introspection_endpoint');
    }
    const findings = await server.findings(server.metadata());
    return findings.map((finding) => findingLine({ ...finding, member: `${member}.${finding.member}` }));
  });
}
