import type { Server } from '../authorization-server/server.js';
import type { Now } from '../clock/clock.js';
import { Connections } from '../http/connections.js';
import { parseOptions, type OidcModuleOptions, type ParsedOptions } from '../module/oidc.options.js';
import { Servers } from '../module/servers.js';
import { examined, findingLine } from './problem.js';
import type { Line, Report, Section } from './report.js';
import { certificateLines, clockLines, keyLines, publishedLines, type CertificateEnd } from './server-examination.js';
import { tokenLines } from './token-examination.js';

/** The default tolerance of the clock, in seconds. */
const TOLERANCE = 30;

/** What is asked of the doctor. */
export interface Question {
  readonly issuer: string;
  readonly clientId?: string | undefined;
  /** The options of the module, as an application writes them. */
  readonly options?: OidcModuleOptions | undefined;
  readonly token?: string | undefined;
}

export interface Means {
  readonly now: Now;
  readonly certificateEnd: CertificateEnd;
}

/** Examines a server, the configuration of a client there, and a token. */
export async function examine(question: Question, means: Means): Promise<Report> {
  const { issuer, options, clientId, token } = question;
  let parsed: ParsedOptions | undefined;
  const atBoot = await examined(() => {
    parsed = parseOptions(options ?? bare(issuer, clientId));
    return [];
  });
  // A wrong option does not keep the server from being looked at.
  const used = parsed ?? parseOptions(bare(issuer, clientId));
  const connections = new Connections(used.http, means.now);
  const warnings: Line[] = [];
  try {
    const operator = {
      report: (event: { readonly kind: string; readonly problem?: unknown }): void =>
        void warnings.push({ level: 'warning', text: typeof event.problem === 'string' ? event.problem : event.kind }),
    };
    const server = new Servers(used, { connections, now: means.now, skew: 0, tolerance: TOLERANCE, operator }).own();
    const published = await examined(() => publishedLines(server));
    const isThere = !published.some(({ level }) => level === 'problem');
    const seen = await Promise.all([
      examined(() => (isThere ? keyLines(server) : [])),
      examined(() => (isThere ? clockLines(server, used.discovery.document, TOLERANCE) : [])),
      certificateLines(issuer, means.now(), means.certificateEnd),
    ]);
    const configured =
      isThere && parsed !== undefined && options !== undefined ? await examined(() => fit(server, used)) : [];
    const taken = token === undefined || !isThere ? [] : await tokenLines(server, token, used.resourceServer);
    return {
      issuer,
      sections: sectionsOf({ published, seen, atBoot, configured, warnings, taken, question, isThere }),
    };
  } finally {
    await connections.close();
  }
}

interface Parts {
  readonly published: readonly Line[];
  readonly seen: readonly (readonly Line[])[];
  readonly atBoot: readonly Line[];
  readonly configured: readonly Line[];
  readonly warnings: readonly Line[];
  readonly taken: readonly Line[];
  readonly question: Question;
  readonly isThere: boolean;
}

function sectionsOf({
  published,
  seen,
  atBoot,
  configured,
  warnings,
  taken,
  question,
  isThere,
}: Parts): readonly Section[] {
  const wrong = [...atBoot, ...configured, ...warnings];
  const fits: Line = isThere
    ? { level: 'ok', text: 'It fits the server.' }
    : { level: 'note', text: 'It can not be compared with the server.' };
  return [
    { title: 'Server', lines: [...published, ...seen.flat()] },
    ...(question.options === undefined && wrong.length === 0
      ? []
      : [{ title: 'Configuration', lines: wrong.some(({ level }) => level === 'problem') ? wrong : [...wrong, fits] }]),
    ...(taken.length === 0 ? [] : [{ title: 'Token', lines: taken }]),
  ];
}

/** A public client that nothing was written of. */
function bare(issuer: string, clientId = 'doctor'): OidcModuleOptions {
  return { issuer, client: { client_id: clientId, token_endpoint_auth_method: 'none' } };
}

/** What the configuration asks, and the server lacks. */
async function fit(
  server: Server,
  { client, login, session, resourceServer }: ParsedOptions,
): Promise<readonly Line[]> {
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
  return (await server.findings()).map(findingLine);
}
