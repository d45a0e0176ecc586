import { issuer, machines, redisUrl, resource } from './settings.js';
import { start } from './start.js';

const running = await start();

const token = (name: string, machine: keyof typeof machines, scope: string): string =>
  `${name}=$(curl -s -u ${machines[machine].client_id}:${machines[machine].client_secret} -d grant_type=client_credentials -d scope=${scope} \\
      ${issuer}/token | node -pe 'JSON.parse(fs.readFileSync(0)).access_token')`;

console.log(`
  API       ${resource}, described at ${resource}/.well-known/oauth-protected-resource
  Provider  ${issuer}
  Store     ${redisUrl ? 'Redis, shared by all who are started with it' : 'this process (REDIS_URL names a Redis to share)'}

    ${token('opaque', 'opaque', 'payments:read')}
    ${token('jwt', 'jwt', 'payments:read')}

    curl -i ${resource}/payments -H "Authorization: Bearer $opaque"                # 200, introspected, then kept for 30 s
    curl -i ${resource}/payments/rates -H "Authorization: Bearer $jwt"             # 200, by its signature
    curl -i ${resource}/payments                                                   # 401
    curl -i -X POST ${resource}/payments -H "Authorization: Bearer $opaque"        # 403, the scope is missing

  With a DPoP key, in another terminal: node sample/03-resource-server/dist/call.js

  Ctrl-C stops both.
`);

let stopping: Promise<void> | undefined;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => (stopping ??= running.stop()));
}
