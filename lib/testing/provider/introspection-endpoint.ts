import type { ProviderContext } from './context.js';
import type { Answer } from './http-answer.js';
import type { Recorded } from './loopback-server.js';
import { invalidClient } from './oauth-answers.js';

const INTROSPECTION_JWT = 'application/token-introspection+jwt';

/** RFC 7662; RFC 9701 when the client asks for it. */
export async function introspect(op: ProviderContext, request: Recorded): Promise<Answer> {
  const client = await op.clients.authenticate(request);
  if (client === undefined) {
    return invalidClient(request);
  }
  const alg = String(client['introspection_signed_response_alg'] ?? 'RS256');
  const envelope = { iss: op.issuer, aud: client.client_id, iat: op.clock.seconds };
  const header = { typ: 'token-introspection+jwt' };
  const response = {
    members: op.issued.activeToken(request.form['token'] ?? '') ?? { active: false },
    isJwt: (request.headers.accept ?? '').includes(INTROSPECTION_JWT),
    type: INTROSPECTION_JWT,
    jwt: (members: object) => ({
      answer: 'introspection' as const,
      client,
      alg,
      header,
      claims: { ...envelope, token_introspection: members },
    }),
  };
  return op.hooks.introspection(response, request);
}
