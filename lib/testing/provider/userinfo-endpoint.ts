import type { ProviderContext } from './context.js';
import type { Answer } from './http-answer.js';
import type { Recorded } from './loopback-server.js';
import { oauthError } from './oauth-answers.js';
import { proofOf } from './seen-proof.js';

/** OpenID Connect Core 1.0, section 5.3; a JWT when the client registered it. */
export async function userinfo(op: ProviderContext, request: Recorded): Promise<Answer> {
  const [, scheme, inHeader] = /^(Bearer|DPoP) (.+)$/i.exec(request.headers.authorization ?? '') ?? [];
  // RFC 6750, section 2: in one way only.
  const ways = [inHeader, request.form['access_token']].filter((way) => way !== undefined);
  const value = ways.length === 1 ? String(ways[0]) : '';
  const known = op.issued.activeToken(value);
  const proof = await proofOf(request, op.url('userinfo'), op.clock);
  const isBound = Object(known?.['cnf']).jkt !== undefined;
  const isProven = proof !== 'bad' && proof?.jkt === Object(known?.['cnf']).jkt && isBound === (scheme === 'DPoP');
  const token = isProven ? known : undefined;
  const client = op.clients.find(String(token?.client_id));
  if (token?.sub === undefined || client === undefined) {
    return { ...oauthError(401, 'invalid_token'), headers: { 'www-authenticate': 'Bearer error="invalid_token"' } };
  }
  const alg = client['userinfo_signed_response_alg'];
  const envelope = { iss: op.issuer, aud: client.client_id };
  const response = {
    members: { ...op.claimsOf(token.sub), sub: token.sub },
    isJwt: alg !== undefined || client['userinfo_encrypted_response_alg'] !== undefined,
    type: 'application/jwt',
    jwt: (members: object) => ({
      answer: 'userinfo' as const,
      client,
      alg: String(alg ?? 'RS256'),
      claims: { ...envelope, ...members },
    }),
  };
  return op.hooks.userinfo(response, request);
}
