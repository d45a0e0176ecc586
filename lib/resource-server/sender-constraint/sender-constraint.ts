import type { Clock } from '../../clock/clock.js';
import { equalInConstantTime } from '../../jose/constant-time.js';
import type { OidcStore } from '../../storage/oidc-store.js';
import type { Awaitable } from '../../values/awaitable.js';
import type { PresentedToken, Scheme } from '../credentials.js';
import type { ResourceServerSettings } from '../resource-server.options.js';
import type { VerifiedAccessToken } from '../verified-access-token.js';
import { ClientCertificates } from './client-certificate.js';
import { confirmationOf, unconfirmed } from './confirmation.js';
import type { VerifiedDpopProof } from './dpop-proof.js';
import { Dpop } from './dpop.js';

/** A token, and the HTTP request in which its holder sent it; undefined where the call is none. */
export interface Presentation {
  readonly token: PresentedToken;
  readonly request: object | undefined;
}

/**
 * Whether who sends a token is who it was issued to: by the key of a DPoP proof (RFC 9449, section 7.1) or of a client
 * certificate (RFC 8705, section 3). A token that names a key is good with that key only; one that is
 * bound by nothing that is understood is refused.
 */
export class SenderConstraint {
  /** The schemes in which tokens are read. */
  readonly schemes: readonly Scheme[];
  /** The schemes that are offered to callers. */
  readonly offered: readonly Scheme[];
  /** The algorithms of proofs; empty where none are taken. */
  readonly algorithms: readonly string[];
  readonly #dpop: Dpop | undefined;
  readonly #certificates: ClientCertificates | undefined;
  readonly #isCertificateRequired: boolean;

  /** @throws {ConfigError} proofs can't be checked without knowing our own URL */
  constructor(
    { dpop, mtls, resource }: Pick<ResourceServerSettings, 'dpop' | 'mtls' | 'resource'>,
    store: OidcStore,
    clock: Clock,
  ) {
    this.#dpop = dpop && new Dpop(dpop, resource, store, clock);
    this.#certificates = mtls && new ClientCertificates(mtls);
    this.#isCertificateRequired = mtls?.required === true;
    this.schemes = dpop === undefined ? ['Bearer'] : ['Bearer', 'DPoP'];
    this.offered = dpop?.required === true ? ['DPoP'] : this.schemes;
    this.algorithms = this.#dpop?.algorithms ?? [];
  }

  /** The nonce that the next proof has to carry, if any (RFC 9449, section 8). */
  nonce(): string | undefined {
    return this.#dpop?.nonce();
  }

  /**
   * Looks at what came with a token, before anybody is asked about the token.
   *
   * @returns the proof of a token of the DPoP scheme; undefined where none belongs to the scheme
   * @throws {AccessTokenError} the proof is not good, or there has to be one, or a certificate
   */
  prove({ token, request }: Presentation): Promise<VerifiedDpopProof> | undefined {
    if (this.#isCertificateRequired && this.#thumbprintOf(request) === undefined) {
      throw unconfirmed('No certificate was shown.');
    }
    if (token.scheme === 'DPoP') {
      if (this.#dpop === undefined || request === undefined) {
        throw unconfirmed('No proof can be made for this kind of call.');
      }
      return this.#dpop.verify(token.value, request);
    }
    if (this.#dpop?.isRequired === true) {
      throw unconfirmed('The token was sent without a proof of its key.');
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
      throw unconfirmed('The token is bound to a key and was sent as a bearer token.');
    }
    if (scheme === 'DPoP' && (jkt === undefined || proof === undefined || !equalInConstantTime(jkt, proof.jkt))) {
      throw unconfirmed('The token is not bound to the key of the proof.');
    }
    this.#requireCertificate(thumbprint, request);
    return proof === undefined || request === undefined || this.#dpop === undefined
      ? token
      : this.#dpop.claim(proof, request).then(() => token);
  }

  #requireCertificate(thumbprint: string | undefined, request: object | undefined): void {
    if (thumbprint === undefined) {
      if (this.#isCertificateRequired) {
        throw unconfirmed('The token is bound to no certificate.');
      }
      return;
    }
    const shown = this.#thumbprintOf(request);
    if (shown === undefined || !equalInConstantTime(shown, thumbprint)) {
      throw unconfirmed('The token is bound to a certificate that was not shown.');
    }
  }

  #thumbprintOf(request: object | undefined): string | undefined {
    return request && this.#certificates?.thumbprintOf(request);
  }
}
