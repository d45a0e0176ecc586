import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';

/** A new private key for ES256, as a JWK (RFC 7517). Its name is its thumbprint, so that no two keys have the same. */
export async function newKey() {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const { kty, crv, x, y, d } = await exportJWK(privateKey);
  const jwk = { kty: 'EC', crv: String(crv), x: String(x), y: String(y) } as const;
  return {
    ...jwk,
    d: String(d),
    kid: await calculateJwkThumbprint({ ...jwk, kty: String(kty) }),
    alg: 'ES256',
    use: 'sig',
  } as const;
}

/** The public half: what the provider may know. */
export function publicHalf<Key extends { readonly d: string }>({ d: _, ...jwk }: Key): Omit<Key, 'd'> {
  return jwk;
}

// node sample/05-fapi/dist/keys.js: the private key for the application, and the public half to register.
if (process.argv[1]?.endsWith('keys.js')) {
  const key = await newKey();
  console.log(JSON.stringify({ private: { keys: [key] }, public: { keys: [publicHalf(key)] } }, undefined, 2));
}
