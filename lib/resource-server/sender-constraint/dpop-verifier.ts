import type { Clock } from '../../clock/clock.js';
import { AccessTokenError, ConfigError } from '../../errors/errors.js';
import { ASYMMETRIC_ALGORITHMS } from '../../jose/algorithms.js';
import * as requests from '../../nest/requests.js';
import type { OidcStore } from '../../storage/oidc-store.js';
import type { DpopSettings } from '../resource-server.options.js';
import { DpopNonces } from './dpop-nonce.js';
import { verifyDpopProof, type VerifiedDpopProof } from './dpop-proof.js';
import { acceptanceWindow, claimProof } from './dpop-replay.js';

/** Verifies the DPoP proofs of requests (RFC 9449, section 7) and refuses replayed ones. */
export class DpopVerifier {
  /** The accepted signature algorithms. */
  readonly algorithms: readonly string[];
  /** Whether every token must be bound. */
  readonly isRequired: boolean;
  /** The API's configured origin. The `Host` header is not trusted. */
  readonly #origin: string;
  readonly #nonces: DpopNonces | undefined;
  /** The verified proofs by request, for other guards of the same request. */
  readonly #proofs = new WeakMap<object, { readonly token: string; readonly proof: Promise<VerifiedDpopProof> }>();

  /** @throws {ConfigError} the URL of the API is not configured */
  constructor(
    settings: DpopSettings,
    resource: string | undefined,
    private readonly store: OidcStore,
    private readonly clock: Clock,
  ) {
    if (resource === undefined) {
      throw new ConfigError('INVALID_CONFIG', 'resourceServer.resource', 'is required by resourceServer.dpop');
    }
    const secrets = settings.nonceSecret?.map((secret) => secret.reveal());
    this.algorithms = settings.algorithms ?? ASYMMETRIC_ALGORITHMS;
    this.isRequired = settings.required;
    this.#origin = new URL(resource).origin;
    this.#nonces = secrets && new DpopNonces(secrets, resource, clock.now);
  }

  /** The nonce that the next proof must carry, if any (RFC 9449, section 8). */
  nonce(): string | undefined {
    return this.#nonces?.current();
  }

  /**
   * Verifies the proof of a request, once for all guards and GraphQL fields of the request.
   *
   * @throws {AccessTokenError} the proof is missing, lacks a nonce, or does not match request and token
   */
  verify(token: string, request: object): Promise<VerifiedDpopProof> {
    const raw = requests.raw(request);
    const known = this.#proofs.get(raw);
    if (known?.token === token) {
      return known.proof;
    }
    const proof = this.#verifyAnew(token, request);
    this.#proofs.set(raw, { token, proof });
    return proof;
  }

  /**
   * Marks a proof as used.
   *
   * @throws {AccessTokenError} `DPOP_PROOF_REPLAYED`
   * @throws {StoreError} the store failed
   */
  claim(proof: VerifiedDpopProof, request: object): Promise<void> {
    return claimProof(this.store, proof, acceptanceWindow(this.clock), requests.raw(request));
  }

  async #verifyAnew(token: string, request: object): Promise<VerifiedDpopProof> {
    const [given, surplus] = requests.headerLines(request, 'dpop');
    if (given === undefined || surplus !== undefined) {
      const code = given === undefined ? 'DPOP_PROOF_MISSING' : 'DPOP_PROOF_INVALID';
      throw new AccessTokenError(code, 'The request must carry one DPoP proof.');
    }
    const proof = await verifyDpopProof(given, {
      method: requests.method(request),
      url: this.#origin + requests.path(request),
      accessToken: token,
      algorithms: this.algorithms,
      clock: this.clock,
    });
    if (this.#nonces?.check(proof.nonce) === 'refused') {
      throw new AccessTokenError('DPOP_NONCE_REQUIRED', 'The proof carries no nonce of ours that is still good.');
    }
    return proof;
  }
}
