import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { freePort } from '../../support/ports.js';

/** The sample as a person starts it: `npm start`, on two free ports. */
export class Sample {
  private constructor(
    readonly appUrl: string,
    readonly issuer: string,
    /** All that was printed until the sample was ready. */
    readonly printed: string,
    private readonly npm: ChildProcess,
  ) {}

  static async start(): Promise<Sample> {
    const [app, provider] = await Promise.all([freePort(), freePort()]);
    const npm = spawn('npm', ['start'], {
      // A terminal gives every command a process group of its own, and Ctrl-C goes to all of it.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PORT: String(app), OP_PORT: String(provider) },
    });
    const printed = await said(npm, 'Ctrl-C stops both');
    return new Sample(`http://127.0.0.1:${app}`, `http://127.0.0.1:${provider}`, printed, npm);
  }

  /** Presses Ctrl-C. Resolves to the exit code, `null` when a signal ended it, once everything has ended. */
  async interrupt(): Promise<number | null> {
    const end = once(this.npm, 'close');
    this.signal('SIGINT');
    const [code] = await end;
    return code;
  }

  /** Leaves nothing behind, whatever happened before. */
  kill(): void {
    if (this.npm.exitCode === null && this.npm.signalCode === null) this.signal('SIGKILL');
  }

  private signal(signal: NodeJS.Signals): void {
    if (this.npm.pid !== undefined) {
      process.kill(-this.npm.pid, signal);
    }
  }
}

/** Resolves to the output when the process has printed `text`, rejects with all that it printed when it ends before. */
function said(child: ChildProcess, text: string): Promise<string> {
  let output = '';
  return new Promise((resolve, reject) => {
    const listen = (chunk: Buffer): void => {
      output += chunk.toString();
      if (output.includes(text)) resolve(output);
    };
    child.stdout?.on('data', listen);
    child.stderr?.on('data', listen);
    child.once('exit', () => reject(new Error(`npm start ended:\n${output}`)));
  });
}
