import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from '@jest/globals';

import { run } from '../../lib/doctor/command.js';
import type { CertificateEnd } from '../../lib/doctor/server-examination.js';
import { AUDIENCE, SESSION_SECRET } from './app/apps.js';
import { closeLater } from './closing.js';
import type { HostileProvider } from './provider/hostile-provider.js';
import { CLIENT_SECRET, startProvider } from './provider/provider.js';

/** The client of these tests. */
export const CLIENT = {
  client_id: 'rp1',
  client_secret: CLIENT_SECRET,
  redirect_uris: ['https://app.test/auth/callback'],
};

export interface Asked {
  readonly arguments: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly certificateEnd?: CertificateEnd;
  /** Default: `import()`. */
  readonly load?: (url: string) => Promise<unknown>;
  /** Default: that of the provider. */
  readonly now?: () => number;
  /** Default: the provider of the test. */
  readonly issuer?: string;
}

/** The command `nestjs-oidc doctor` in a folder of its own, beside a provider whose `Date` is its clock's. */
export async function startDoctor() {
  const folder = await mkdtemp(join(tmpdir(), 'doctor-'));
  closeLater({ close: () => rm(folder, { recursive: true }) });
  const op = await providerWithDate();

  async function doctor({ arguments: given, environment = {}, input = '', ...asked }: Asked) {
    const { certificateEnd = async () => undefined, now = op.clock.now, load = (url) => import(url) } = asked;
    const printed: string[] = [];
    const code = await run(
      {
        arguments: given,
        environment,
        folder,
        input: async () => input,
        load,
        print: (text) => void printed.push(text),
      },
      { now, certificateEnd },
    );
    const output = printed.join('\n');
    expect(output).not.toContain(CLIENT_SECRET);
    expect(output).not.toContain(SESSION_SECRET);
    return { code, output };
  }

  /** Asks with options in a file, as an application has them. */
  async function diagnose(options: object, more: Partial<Asked> = {}) {
    const config = {
      issuer: op.issuer,
      client: CLIENT,
      session: { secret: SESSION_SECRET },
      resourceServer: { audience: AUDIENCE },
      ...options,
    };
    await writeFile(join(folder, 'oidc.json'), JSON.stringify(config));
    return doctor({
      ...more,
      arguments: ['doctor', more.issuer ?? op.issuer, '--config', 'oidc.json', ...(more.arguments ?? [])],
    });
  }

  return { op, folder, doctor, diagnose };
}

/** A provider with the client of these tests. */
export async function providerWithDate(): Promise<HostileProvider> {
  const op = await startProvider({ clients: [{ client_id: 'rp1', client_secret: CLIENT_SECRET }] });
  op.answer('discovery', async (_request, next) => {
    const right = await next();
    return { ...right, headers: { ...right.headers, date: new Date(op.clock.now()).toUTCString() } };
  });
  return op;
}

/** The lines of problems. */
export function problemsIn(output: string): readonly string[] {
  return linesOf(output, 'problem');
}

/** The lines of a level. */
export function linesOf(output: string, ...levels: readonly string[]): readonly string[] {
  return output.split('\n').filter((line) => levels.some((level) => line.startsWith(`  ${level}`)));
}

/** The lines of a section. */
export function sectionOf(output: string, title: string): readonly string[] {
  const [, section = ''] = output.split(`\n\n${title}\n`);
  return section.split('\n\n')[0]?.split('\n') ?? [];
}
