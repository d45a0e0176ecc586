import { setTimeout } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { appUrl, cli, issuer, ports } from './settings.js';

const app = await NestFactory.create(AppModule, { logger: ['warn', 'error'], forceCloseConnections: true });
await app.listen(ports.app, new URL(appUrl).hostname).catch(whenTaken);

console.log(`
  Application  ${appUrl}
  Provider     ${issuer}

  In a browser, open the application and sign in as Alice or as Bob. The provider has a page that gives access tokens.

  With curl:

    token=$(curl -s -u ${cli.client_id}:${cli.client_secret} -d grant_type=client_credentials -d scope=orders:read \\
      ${issuer}/token | node -pe 'JSON.parse(fs.readFileSync(0)).access_token')

    curl -i ${appUrl}/api/orders -H "Authorization: Bearer $token"          # 200
    curl -i ${appUrl}/api/orders                                            # 401
    curl -i -X POST ${appUrl}/api/orders -H "Authorization: Bearer $token"  # 403

  Ctrl-C stops both.
`);

// A terminal sends Ctrl-C to npm and to us, and npm passes it on: the second one must not cut the first one short.
const SECOND_SIGNAL = 250;
let stopping: Promise<void> | undefined;
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => (stopping ??= stop()));

async function stop(): Promise<void> {
  await app.close();
  console.log('  Both are stopped.');
  // While Node ends, nobody listens any more, and a signal would be its exit code.
  await setTimeout(SECOND_SIGNAL);
}

/** The one thing that often stands in the way of a sample, said in one line. */
function whenTaken(error: NodeJS.ErrnoException): never {
  if (error.code !== 'EADDRINUSE') {
    throw error;
  }
  console.error(`Port ${ports.app} is taken. Set PORT to another one.`);
  process.exit(1);
}
