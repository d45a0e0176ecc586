import './supported-runtime.js';
import { setTimeout } from 'node:timers/promises';
import { appUrl, issuer, ownUrl, ports, redisUrl, startsProvider } from './settings.js';
import { start } from './start.js';

const running = await start();

console.log(`
  Application  ${ownUrl}
  Provider     ${issuer}${startsProvider ? '' : ', of another process'}
  Store        ${redisUrl ? 'Redis, shared by all who are started with it' : 'this process (REDIS_URL names a Redis to share)'}

  Open the application and sign in with any name and any password.
${
  startsProvider && redisUrl
    ? `
  A second process of the same application, in another terminal:

    PORT=${ports.app + 1} ISSUER=${issuer} APP_URL=${appUrl} REDIS_URL=${redisUrl} node sample/02-web-app/dist/main.js
`
    : ''
}
  Ctrl-C stops ${startsProvider ? 'both' : 'it'}.
`);

// A terminal sends Ctrl-C to npm and to us, and npm passes it on: the second one must not cut the first one short.
const SECOND_SIGNAL = 250;
let stopping: Promise<void> | undefined;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => (stopping ??= stop()));
}

async function stop(): Promise<void> {
  await running.stop();
  // While Node ends, nobody listens any more, and a signal would be its exit code.
  await setTimeout(SECOND_SIGNAL);
}
