import { Server } from '../authorization-server/server.js';
import type { Now } from '../clock/clock.js';
import { OidcError } from '../errors/oidc.error.js';
import { Connections } from '../http/connections.js';
import { CLOCK_TOLERANCE } from '../module/oidc.defaults.js';
import { parseOptions, type OidcModuleOptions, type ParsedOptions } from '../module/oidc.options.js';
import { Servers } from '../module/servers.js';
import type { TrustedIssuerOptions } from '../resource-server/resource-server.options.js';
import { configurationLines, trustedIssuerLines } from './configuration-examination.js';
import { HeardEvents } from './heard-events.js';
import { examined, problemOf } from './problem.js';
import type { Line, Report, Section } from './report.js';
import { seenServer, type CertificateEnd } from './server-examination.js';
import { tokenLines } from './token-examination.js';

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

/** Examines a server, the configuration of a client there, the other issuers that it trusts, and a token. */
export async function examine(question: Question, means: Means): Promise<Report> {
  const { issuer, options } = question;
  const asked = readOptions(options ?? bare(question));
  // A wrong option does not keep the server from being looked at.
  const used = asked.parsed ?? readOptions(withoutOptions(question)).parsed ?? readOptions(bare(question)).parsed;
  if (used === undefined) {
    return { issuer, sections: [{ title: 'Configuration', lines: asked.problems }] };
  }
  const connections = new Connections(used.http, means.now);
  try {
    return { issuer, sections: await new Examination(question, used, connections, means).sections(asked) };
  } catch (error) {
    // Metadata that is written out and can't be used: nothing is there to look at.
    if (error instanceof OidcError) {
      return { issuer, sections: [{ title: 'Configuration', lines: [problemOf(error)] }] };
    }
    throw error;
  } finally {
    await connections.close();
  }
}

/** The options as they were written. */
interface ReadOptions {
  /** Undefined: one of them is wrong. */
  readonly parsed?: ParsedOptions;
  /** What is wrong. */
  readonly problems: readonly Line[];
}

function readOptions(options: OidcModuleOptions): ReadOptions {
  try {
    return { parsed: parseOptions(options), problems: [] };
  } catch (error) {
    if (error instanceof OidcError) {
      return { problems: [problemOf(error)] };
    }
    throw error;
  }
}

/** A public client that nothing was written of. */
function bare({ issuer, clientId = 'doctor' }: Question): OidcModuleOptions {
  return { issuer, client: { client_id: clientId, token_endpoint_auth_method: 'none' } };
}

/** The same client, with the options that say where the server is. */
function withoutOptions(question: Question): OidcModuleOptions {
  const { backchannelUrl, tenants, server, discovery, http } = question.options ?? {};
  return {
    ...bare(question),
    ...(backchannelUrl !== undefined && { backchannelUrl }),
    ...(tenants !== undefined && { tenants }),
    ...(server !== undefined && { server }),
    ...(discovery !== undefined && { discovery }),
    ...(http !== undefined && { http }),
    insecureHttp: true,
  };
}

/** One examination, with options that can be used. */
class Examination {
  constructor(
    private readonly question: Question,
    private readonly used: ParsedOptions,
    private readonly connections: Connections,
    private readonly means: Means,
  ) {}

  async sections({ parsed, problems }: ReadOptions): Promise<readonly Section[]> {
    const { used, means, question } = this;
    const heard = new HeardEvents();
    const servers = this.#servers(heard);
    const server = servers.own();
    const said = heard.take();
    const { lines, isThere, keys } = await seenServer(server, used.discovery, means.certificateEnd);
    const own = { title: 'Server', lines };
    const others =
      parsed === undefined ? [] : await Promise.all(listed(used).map((other, index) => this.#other(other, index)));
    const compared =
      isThere && parsed !== undefined && question.options !== undefined
        ? await configurationLines(server, this.#servers(new HeardEvents()), used, keys)
        : [];
    const { token } = question;
    const configuration = [...problems, ...said, ...compared];
    const ofToken =
      token === undefined || !isThere ? [] : await tokenLines(server, servers, token, used.resourceServer);
    // The introspection endpoint may have refused the client before.
    const taken = ofToken.filter(({ text }) => configuration.every((line) => line.text !== text));
    return [
      own,
      ...(question.options === undefined && configuration.length === 0
        ? []
        : [{ title: 'Configuration', lines: [...configuration, ...conclusion(configuration, isThere)] }]),
      ...others,
      ...(taken.length === 0 ? [] : [{ title: 'Token', lines: taken }]),
    ];
  }

  /** Another issuer that is trusted, examined as the own one is. */
  async #other(trusted: TrustedIssuerOptions, index: number): Promise<Section> {
    const { used, means } = this;
    const title = `Issuer ${trusted.issuer}`;
    const heard = new HeardEvents();
    const lines = await examined(async () => {
      const server = this.#servers(heard).at(trusted);
      const said = heard.take();
      const { document = used.discovery.document, url } = trusted.discovery ?? {};
      const seen = await seenServer(server, { document, url }, means.certificateEnd);
      const fits =
        seen.isThere && server instanceof Server
          ? await trustedIssuerLines(server, used.resourceServer?.validation, `resourceServer.issuers.${index}`)
          : [];
      return [...seen.lines, ...said, ...fits];
    });
    return { title, lines };
  }

  #servers(operator: HeardEvents): Servers {
    const { connections, means, used } = this;
    return new Servers(used, { connections, now: means.now, skew: 0, tolerance: CLOCK_TOLERANCE, operator });
  }
}

/** The other issuers. Those of a function nobody knows before their tokens come. */
function listed({ resourceServer }: ParsedOptions): readonly TrustedIssuerOptions[] {
  const { issuers = [] } = resourceServer ?? {};
  return typeof issuers === 'function' ? [] : issuers;
}

/** The last line of a configuration in which nothing is wrong. */
function conclusion(lines: readonly Line[], isThere: boolean): readonly Line[] {
  if (lines.some(({ level }) => level === 'problem')) {
    return [];
  }
  return isThere
    ? [{ level: 'ok', text: 'It fits the server.' }]
    : [{ level: 'note', text: 'It can not be compared with the server.' }];
}
