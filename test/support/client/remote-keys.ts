import { Connections } from '../../../lib/http/connections.js';
import { Transport } from '../../../lib/http/transport.js';
import { parseCompactJws } from '../../../lib/jose/compact-jws.js';
import { RemoteKeys, type JwtOrigin } from '../../../lib/jose/remote-keys.js';
import { jws, type SigningKey } from '../../../lib/testing/provider/keys.js';
import { closeLater } from '../closing.js';
import { LIMITS } from '../http/limits.js';
import type { CorrectProvider } from '../provider/provider.js';

export interface TestKeys {
  /** `verified`, or the code of the error. */
  outcome(jwt: string, origin?: JwtOrigin): Promise<string>;
  readonly warnings: readonly string[];
}

/** The keys that a provider publishes, as the library sees them. The transport is closed at the end of the test. */
export function keysAt(op: CorrectProvider): TestKeys {
  const warnings: string[] = [];
  const transport = new Transport(closeLater(new Connections(LIMITS, op.clock.now)));
  const keys = new RemoteKeys(transport, op.url('jwks'), op.clock.now, {
    report: ({ kind }) => void warnings.push(kind),
  });
  return {
    warnings,
    outcome: (jwt, origin = 'provider') =>
      keys
        .from(origin)
        .verify(parseCompactJws(jwt, 8192))
        .then(
          () => 'verified',
          (error: unknown) => Object(error).code,
        ),
  };
}

/** A JWT by a key; undefined members of the header are left out, so that `{ kid: undefined }` names no key. */
export function signedBy(key: SigningKey, alg: string, header: Readonly<Record<string, unknown>> = {}): string {
  return jws({ alg, kid: key.kid, ...header }, { sub: 'alice' }, key, alg);
}
