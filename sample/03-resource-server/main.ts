import './supported-runtime.js';
import { setTimeout } from 'node:timers/promises';
import { apiUrl, issuer, machines, ports, redisUrl, resource, startsProvider } from './settings.js';
import { start } from './start.js';

const running = await start(() => console.log('  The provider was asked about a token.'));

const folder = 'node sample/03-resource-server/dist';

/** As it has to be written in another terminal, so that it means the same there. */
const chosen = ['PORT', 'OP_PORT', 'ISSUER', 'RESOURCE']
  .flatMap((name) => (process.env[name] ? `${name}=${process.env[name]} ` : []))
  .join('');

const shared = redisUrl ? ` REDIS_URL=${redisUrl}` : '';

const token = (name: keyof typeof machines, scope: string): string =>
  `${name}=$(curl -s -u ${machines[name].client_id}:${machines[name].client_secret} \\
      -d grant_type=client_credentials -d scope='${scope}' \\
      ${issuer}/token | node -pe 'JSON.parse(fs.readFileSync(0)).access_token')`;

console.log(`
  API       ${apiUrl}, described at ${apiUrl}/.well-known/oauth-protected-resource
  Provider  ${issuer}${startsProvider ? '' : ', of another process'}
  Store     ${redisUrl ? 'Redis, shared by all who are started with it' : 'this process (REDIS_URL names a Redis to share)'}

    ${token('opaque', 'payments:read')}
    ${token('jwt', 'payments:read payments:write')}

    curl -i ${apiUrl}/payments -H "Authorization: Bearer $opaque"           # 200, introspected, then kept for 30 s
    curl -i ${apiUrl}/payments/rates -H "Authorization: Bearer $jwt"        # 200, by its signature
    curl -i ${apiUrl}/payments                                              # 401, no token
    curl -i -X POST ${apiUrl}/payments -H "Authorization: Bearer $opaque"   # 403, the scope is missing
    curl -i -X POST ${apiUrl}/payments -H "Authorization: Bearer $jwt"      # 401, this provider introspects no JWT

  With a DPoP key, in another terminal:

    ${chosen}${folder}/call.js
${
  startsProvider
    ? `
  A second process of the same API, in another terminal:

    PORT=${ports.api + 1} ISSUER=${issuer} RESOURCE=${resource}${shared} ${folder}/main.js
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
