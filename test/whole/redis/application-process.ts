import { execFile, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { promisify } from 'node:util';

const root = resolve(import.meta.dirname, '../../..');

/** The library as processes load it. It is within the project, so that what it imports is found. */
export class BuiltLibrary {
  private constructor(readonly path: string) {}

  static async build(): Promise<BuiltLibrary> {
    const path = resolve(root, `node_modules/.cache/nestjs-oidc-replica-${process.pid}`);
    const tsc = resolve(root, 'node_modules/typescript/bin/tsc');
    await promisify(execFile)(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', path], { cwd: root });
    await writeFile(resolve(path, 'package.json'), '{"type":"module"}');
    return new BuiltLibrary(path);
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

/** An application in a process of its own, which tells its address and answers each message with one. */
export class ApplicationProcess {
  private constructor(
    private readonly process: ChildProcess,
    readonly address: string,
  ) {}

  /** @param script in this folder */
  static async start(script: string, ...args: readonly string[]): Promise<ApplicationProcess> {
    const child = fork(resolve(import.meta.dirname, script), args, { execArgv: [] });
    const [address] = await once(child, 'message');
    return new ApplicationProcess(child, String(address));
  }

  async tell(message: string | number): Promise<void> {
    const answered = once(this.process, 'message');
    this.process.send(message);
    await answered;
  }

  async stop(): Promise<void> {
    if (this.process.connected) {
      const ended = once(this.process, 'exit');
      this.process.disconnect();
      await ended;
    }
  }

  /** As a crash would. */
  async kill(): Promise<void> {
    const ended = once(this.process, 'exit');
    this.process.kill('SIGKILL');
    await ended;
  }
}
