import type { Clock } from '../clock/clock.js';
import { AccessTokenError, ConfigError } from '../errors/errors.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../http/json.js';
import { ASYMMETRIC_ALGORITHMS } from '../jose/algorithms.js';
import { equalInConstantTime } from '../jose/constant-time.js';
import type { Platform } from '../nest/platform.js';
import type { OidcStore } from '../storage/oidc-store.js';
import type { Awaitable } from './awaitable.js';
import { ClientCertificates } from './client-certificate.js';
import type { PresentedToken, Scheme } from './credentials.js';
import { DpopNonces } from './dpop-nonce.js';
import { verifyDpopProof, type VerifiedDpopProof } from './dpop-proof.js';
import { acceptanceWindow, claimProof } from './dpop-replay.js';
import type { DpopSettings, ResourceServerSettings } from './resource-server.options.js';
import type { VerifiedAccessToken } from './verified-access-token.js';

/** A token, and the HTTP request in which its holder sent it; undefined where the call is none. */
export interface Presentation {
  readonly token: PresentedToken;
  readonly request: object | undefined;
}

interface Dpop {
  readonly settings: DpopSettings;
  readonly algorithms: readonly string[];
  readonly origin: string;
  readonly nonces: DpopNonces | undefined;
}

/**
 * Whether who sends a token is who it was issued to: by the key of a DPoP proof (RFC 9449, section 7.1) or of a client
 * certificate (RFC 8705, section 3). A token that names a key is good with that key only; what it is bound by otherwise
 * is not understood, and refused.
 */
export class SenderConstraint {
  readonly #dpop: Dpop | undefined;
  readonly #certificates: ClientCertificates | undefined;
  /** By request: who else looks at it is told the same. */
  readonly #proofs = new WeakMap<object, { readonly token: string; readonly proof: Promise<VerifiedDpopProof> }>();

  /** @throws {ConfigError} proofs can't be checked without knowing our own URL */
  constructor(
    private readonly settings: Pick<ResourceServerSettings, 'dpop' | 'mtls' | 'resource'>,
    private readonly platform: Platform,
    private readonly store: OidcStore,
    private readonly clock: Clock,
  ) {
    this.#dpop = settings.dpop && dpopOf(settings.dpop, settings.resource, clock);
    this.#certificates = settings.mtls && new ClientCertificates(settings.mtls);
  }

  /** The schemes in which tokens are read. */
  get schemes(): readonly Scheme[] {
    return this.#dpop === undefined ? ['Bearer'] : ['Bearer', 'DPoP'];
  }

  /** The schemes that are offered to callers. */
  get offered(): readonly Scheme[] {
    return this.#dpop?.settings.required === true ? ['DPoP'] : this.schemes;
  }

  /** The algorithms of proofs; empty where none are taken. */
  get algorithms(): readonly string[] {
    return this.#dpop?.algorithms ?? [];
  }

  /** The nonce that the next proof has to carry, if any (RFC 9449, section 8). */
  nonce(): string | undefined {
    return this.#dpop?.nonces?.current();
  }

  /**
   * Looks at what came with a token, before anybody is asked about the token.
   *
   * @returns the proof of a token of the DPoP scheme; undefined where none belongs to the scheme
   * @throws {AccessTokenError} the proof is not good, or there has to be one, or a certificate
   */
  prove({ token, request }: Presentation): Promise<VerifiedDpopProof> | undefined {
    if (this.settings.mtls?.required === true && this.#thumbprintOf(request) === undefined) {
      throw unproven('No certificate was shown.');
    }
    if (token.scheme === 'DPoP') {
      return this.#verifyProofOnce(token, request);
    }
    if (this.#dpop?.settings.required === true) {
      throw unproven('The token was sent without a proof of its key.');
    }
    return undefined;
  }

  /**
   * Holds the token's confirmation against what was proven, and uses the proof up.
   *
   * @throws {AccessTokenError} `TOKEN_BINDING`, `DPOP_PROOF_REPLAYED`
   * @throws {StoreError} it can't be told whether the proof was used before
   */
  confirm(
    token: VerifiedAccessToken,
    { token: { scheme }, request }: Presentation,
    proof: VerifiedDpopProof | undefined,
  ): Awaitable<VerifiedAccessToken> {
    const { jkt, 'x5t#S256': thumbprint } = confirmationOf(token.claims.cnf);
    const isBoundByType = token.claims.token_type?.toLowerCase() === 'dpop';
    if (scheme === 'Bearer' && (jkt !== undefined || isBoundByType)) {
      throw unproven('The token is bound to a key and was sent as a bearer token.');
    }
    if (scheme === 'DPoP' && (jkt === undefined || proof === undefined || !equalInConstantTime(jkt, proof.jkt))) {
      throw unproven('The token is not bound to the key of the proof.');
    }
    this.#requireCertificate(thumbprint, request);
    return proof === undefined || request === undefined ? token : this.#claim(proof, request).then(() => token);
  }

  #requireCertificate(thumbprint: string | undefined, request: object | undefined): void {
    if (thumbprint === undefined) {
      if (this.settings.mtls?.required === true) {
        throw unproven('The token is bound to no certificate.');
      }
      return;
    }
    const shown = this.#thumbprintOf(request);
    if (shown === undefined || !equalInConstantTime(shown, thumbprint)) {
      throw unproven('The token is bound to a certificate that was not shown.');
    }
  }

  #thumbprintOf(request: object | undefined): string | undefined {
    return request && this.#certificates?.thumbprintOf(this.platform, request);
  }

  /** Several guards may look at one request, and several fields of one query. */
  #verifyProofOnce(token: PresentedToken, request: object | undefined): Promise<VerifiedDpopProof> {
    if (this.#dpop === undefined || request === undefined) {
      throw unproven('No proof can be made for this kind of call.');
    }
    const raw = this.platform.raw(request);
    const known = this.#proofs.get(raw);
    if (known?.token === token.value) {
      return known.proof;
    }
    const proof = this.#verifyProof(this.#dpop, token, request);
    this.#proofs.set(raw, { token: token.value, proof });
    return proof;
  }

  #claim(proof: VerifiedDpopProof, request: object): Promise<void> {
    return claimProof(this.store, proof, acceptanceWindow(this.clock), this.platform.raw(request));
  }

  async #verifyProof(dpop: Dpop, token: PresentedToken, request: object): Promise<VerifiedDpopProof> {
    const { algorithms, origin, nonces } = dpop;
    const [given, surplus] = this.platform.headerLines(request, 'dpop');
    if (given === undefined || surplus !== undefined) {
      const code = given === undefined ? 'DPOP_PROOF_MISSING' : 'DPOP_PROOF_INVALID';
      throw new AccessTokenError(code, 'The request must carry one DPoP proof.');
    }
    const proof = await verifyDpopProof(given, {
      method: this.platform.method(request),
      url: origin + this.platform.path(request),
      accessToken: token.value,
      algorithms,
      clock: this.clock,
    });
    if (nonces !== undefined && nonces.check(proof.nonce) === 'refused') {
      throw new AccessTokenError('DPOP_NONCE_REQUIRED', 'The proof carries no nonce of ours that is still good.');
    }
    return proof;
  }
}

function dpopOf(settings: DpopSettings, resource: string | undefined, clock: Clock): Dpop {
  if (resource === undefined) {
    throw new ConfigError('INVALID_CONFIG', 'resourceServer.resource', 'is required by resourceServer.dpop');
  }
  const secrets = settings.nonceSecret?.map((secret) => secret.reveal());
  return {
    settings,
    algorithms: settings.algorithms ?? ASYMMETRIC_ALGORITHMS,
    origin: new URL(resource).origin,
    nonces: secrets && new DpopNonces(secrets, resource, clock.now),
  };
}

/** The methods of confirmation that are understood (RFC 7800, section 3.1): each a thumbprint. */
const METHODS = ['jkt', 'x5t#S256'] as const;

type Confirmation = Readonly<Partial<Record<(typeof METHODS)[number], string>>>;

/** base64url of SHA-256, without padding. */
const THUMBPRINT = /^[\w-]{43}$/;

/** @throws {AccessTokenError} it names a method that is not understood, or nothing at all */
function confirmationOf(cnf: JsonValue | undefined): Confirmation {
  if (cnf === undefined) {
    return {};
  }
  if (!isConfirmation(cnf)) {
    throw unproven('The token is bound in a way that is not understood.');
  }
  return cnf;
}

function isConfirmation(cnf: JsonValue): cnf is JsonObject & Confirmation {
  const methods = isJsonObject(cnf) ? Object.entries(cnf) : [];
  return (
    methods.length > 0 &&
    methods.every(
      ([method, value]) =>
        METHODS.some((known) => known === method) && typeof value === 'string' && THUMBPRINT.test(value),
    )
  );
}

function unproven(message: string): AccessTokenError {
  return new AccessTokenError('TOKEN_BINDING', message);
}
