import { createHash, randomUUID } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { apiUrl, issuer, machines, resource } from './settings.js';

/** A machine that has a key, gets a token that is bound to it, and proves at each call that it has it (RFC 9449). */
const { publicKey, privateKey } = await generateKeyPair('ES256');
const jwk = await exportJWK(publicKey);

function proofOf(method: string, url: string, accessToken?: string): Promise<string> {
  const ath = accessToken && createHash('sha256').update(accessToken).digest('base64url');
  return new SignJWT({ htm: method, htu: url, jti: randomUUID(), ...(ath && { ath }) })
    .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk })
    .setIssuedAt()
    .sign(privateKey);
}

/**
 * The machine's whole way; what each step ended with.
 *
 * @param replica another process of the same API
 */
export async function call(
  replica = process.env['REPLICA'],
): Promise<readonly (readonly [step: string, status: number])[]> {
  const { client_id, client_secret } = machines.opaque;
  const answer = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString('base64')}`,
      dpop: await proofOf('POST', `${issuer}/token`),
    },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'payments:write' }),
  });
  const { access_token: token, token_type } = (await answer.json()) as { access_token: string; token_type: string };
  const url = `${resource}/payments`;
  const send = async (headers: Record<string, string>, path = '', api = apiUrl) =>
    (await fetch(`${api}/payments${path}`, { method: 'POST', headers })).status;
  const proof = await proofOf('POST', url, token);
  const limits = await proofOf('POST', `${url}/limits`, token);
  const atReplica = async (api: string) =>
    [`the same proof at ${api}`, await send({ authorization: `DPoP ${token}`, dpop: proof }, '', api)] as const;
  return [
    [`a ${token_type} token for the key ${await calculateJwkThumbprint(jwk)}`, answer.status],
    ['pay, with a proof', await send({ authorization: `DPoP ${token}`, dpop: proof })],
    ['the same proof again', await send({ authorization: `DPoP ${token}`, dpop: proof })],
    ...(replica ? [await atReplica(replica)] : []),
    ['without a proof', await send({ authorization: `DPoP ${token}` })],
    ['as a bearer token', await send({ authorization: `Bearer ${token}` })],
    [
      'raise the limit, without a recent login',
      await send({ authorization: `DPoP ${token}`, dpop: limits }, '/limits'),
    ],
  ];
}

if (process.argv[1]?.endsWith('call.js')) {
  (await call()).forEach(([step, status]) => console.log(`${status}  ${step}`));
}
