import { createPublicKey } from 'node:crypto';

import { auth } from 'express-oauth2-jwt-bearer';
import * as jose from 'jose';
import { ExtractJwt, Strategy } from 'passport-jwt';

import { ours } from '../clients.js';
import { load, startProcess, takeTurns } from '../measure.js';
import { againstUnguarded } from './guard.js';

const AUDIENCE = 'https://api.test';

/** Each peer as its own page sets it up, called as a framework would. */
async function verifiers(issuer, alg) {
  const { keys } = await (await fetch(`${issuer}/jwks`)).json();
  const jwk = keys.find((one) => one.alg === alg);
  const key = await jose.importJWK(jwk, alg);
  const client = await ours(issuer);
  const bearer = auth({ issuer, jwksUri: `${issuer}/jwks`, audience: AUDIENCE, tokenSigningAlg: alg, strict: false });
  const strategy = new Strategy(
    {
      jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
      secretOrKey: createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' }),
      issuer,
      audience: AUDIENCE,
      algorithms: [alg],
    },
    (claims, done) => done(null, claims),
  );
  const requestWith = (token) => ({
    method: 'GET',
    url: '/orders',
    originalUrl: '/orders',
    protocol: 'https',
    headers: { host: 'api.test', authorization: `Bearer ${token}` },
    query: {},
    is: () => false,
    get: () => 'api.test',
  });
  return {
    floor: (token) => jose.jwtVerify(token, key, { issuer, audience: AUDIENCE, typ: 'at+jwt' }),
    ours: (token) => client.verifyAccessToken(token, { audience: [AUDIENCE] }),
    'express-oauth2-jwt-bearer': (token) =>
      new Promise((resolve, reject) => bearer(requestWith(token), {}, (error) => (error ? reject(error) : resolve()))),
    'passport-jwt': (token) =>
      new Promise((resolve, reject) => {
        const attempt = Object.create(strategy);
        Object.assign(attempt, { success: resolve, fail: reject, error: reject });
        attempt.authenticate(requestWith(token), {});
      }),
  };
}

async function fresh(alg, { rounds, scale }) {
  const provider = await startProcess('./provider.js');
  const operations = Math.ceil(4000 * scale);
  const tokens = await provider.ask({ tokens: operations + 1, alg });
  const sides = await verifiers(provider.issuer, alg);
  const figures = await takeTurns(
    Object.fromEntries(
      Object.entries(sides).map(([name, verify]) => [
        name,
        () => load((index) => verify(tokens[index]), { operations, inFlight: 32 }),
      ]),
    ),
    rounds,
  );
  await provider.stop();
  const best = Math.min(figures['express-oauth2-jwt-bearer'].cpu, figures['passport-jwt'].cpu);
  return {
    variant: `fresh, ${alg}`,
    figures,
    goals: [
      { name: 'of the floor by CPU', value: figures.floor.cpu / figures.ours.cpu, least: 0.9 },
      { name: '× the best peer by CPU', value: best / figures.ours.cpu, least: 1.2 },
    ],
  };
}

async function repeated(adapter, settings) {
  const row = await againstUnguarded(adapter, ['unguarded', 'ours-jwt'], settings, (provider) =>
    provider.ask({ tokens: 100, alg: 'ES256' }),
  );
  return { ...row, variant: `repeated, ${adapter}` };
}

export const jwt = {
  id: 'P5',
  what: 'JWT access token, 32 in flight',
  async run(settings) {
    const results = [];
    for (const alg of ['RS256', 'ES256']) {
      results.push(await fresh(alg, settings));
    }
    for (const adapter of ['fastify', 'express']) {
      results.push(await repeated(adapter, settings));
    }
    return results;
  },
};
