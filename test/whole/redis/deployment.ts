import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { SESSION_SECRET } from '../../support/app/apps.js';
import { Browser } from '../../support/browser/browser.js';
import { HostileProvider } from '../../support/provider/hostile-provider.js';
import { CLIENT_SECRET } from '../../support/provider/provider.js';
import { ApplicationProcess, type BuiltLibrary } from './application-process.js';
import { RedisServer } from './redis-server.js';
import { RoundRobin } from './round-robin.js';

export const ORIGIN = 'https://app.test';

/** Seconds that an access token lasts. */
const LIFETIME = 60;

/** Three processes of a web application with one Redis that forgets nothing, behind a round-robin, and their provider. */
export class Deployment {
  private constructor(
    readonly op: HostileProvider,
    readonly redis: RedisServer,
    readonly replicas: readonly ApplicationProcess[],
    readonly roundRobin: RoundRobin,
    private readonly folder: string,
  ) {}

  static async start(library: BuiltLibrary): Promise<Deployment> {
    const folder = await mkdtemp(join(tmpdir(), 'oidc-deployment-'));
    const redis = await RedisServer.start('--appendonly', 'yes', '--appendfsync', 'always', '--dir', folder);
    const op = await HostileProvider.start();
    op.register({
      client_id: 'rp1',
      client_secret: CLIENT_SECRET,
      redirect_uris: [`${ORIGIN}/auth/callback`],
      id_token_signed_response_alg: 'RS256',
    });
    op.tokenResponse((members) => ({ ...members, expires_in: LIFETIME }));
    const args = [library.path, op.issuer, CLIENT_SECRET, SESSION_SECRET, String(redis.port), String(op.clock.now())];
    const adapters = ['express', 'fastify', 'express'];
    const replicas = await Promise.all(
      adapters.map((adapter) => ApplicationProcess.start('web-replica.js', adapter, ...args)),
    );
    const roundRobin = await RoundRobin.start(replicas.map(({ address }) => address));
    return new Deployment(op, redis, replicas, roundRobin, folder);
  }

  newBrowser(): Browser {
    return new Browser({ url: ORIGIN, address: this.roundRobin.address, clock: this.op.clock });
  }

  /** @param sid the session at the provider, if it names one */
  async signedIn(sid?: string): Promise<Browser> {
    this.op.idToken({ claims: (claims) => ({ ...claims, sid }) });
    const browser = this.newBrowser();
    await browser.login();
    return browser;
  }

  /** Goes on to a time at which the access tokens have expired. */
  async expireTokens(): Promise<void> {
    this.op.clock.advance(LIFETIME + 1);
    await Promise.all(this.replicas.map((replica) => replica.tell(this.op.clock.now())));
  }

  async close(): Promise<void> {
    await Promise.all(this.replicas.map((replica) => replica.stop()));
    await Promise.all([this.roundRobin.close(), this.redis.kill(), this.op.close()]);
    await rm(this.folder, { recursive: true });
  }
}
