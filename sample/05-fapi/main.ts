import './supported-runtime.js';
import { setTimeout } from 'node:timers/promises';
import { appUrl, issuer } from './settings.js';
import { start } from './start.js';

const running = await start(({ request, sends, leadsTo, status }) => {
  const next = leadsTo === undefined ? '' : ` to ${leadsTo}`;
  console.log(`  ${request}\n      sends   ${sends.join(', ')}\n      answer  ${status}${next}`);
});

console.log(`
  Application  ${appUrl}
  Provider     ${issuer}, which takes FAPI 2.0 with message signing only

  Open the application and sign in with any name and any password. What the provider is sent is printed here.

  Ctrl-C stops both.
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
