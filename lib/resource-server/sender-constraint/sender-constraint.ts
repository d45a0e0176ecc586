import type { Clock } from '../../clock/clock.js';
import { equalInConstantTime } from '../../jose/constant-time.js';
import type { OidcStore } from '../../storage/oidc-store.js';
import type { Awaitable } from '../../values/awaitable.js';
import type { PresentedToken, Scheme } from '../credentials.js';
import type { ResourceServerSettings } from '../resource-server.options.js';
import type { VerifiedAccessToken } from '../../tokens/verified-access-token.js';
import { ClientCertificates } from './client-certificate.js';
import { confirmationOf, unconfirmed } from './confirmation.js';
import type { VerifiedDpopProof } from './dpop-proof.js';
import { DpopVerifier } from './dpop-verifier.js';

/** An access token and the HTTP request that carried it; undefined where the call is no HTTP request. */
export interface Presentation {
  readonly token: PresentedToken;
  readonly request: object | undefined;
}

type BindingSettings = Pick<ResourceServerSettings, 'dpop' | 'mtls' | 'resource' | 'isBindingRequired'>;

/**
 * Sender constraint: only the client that a token was issued to may use it. The client proves itself by a DPoP proof
 * (RFC 9449, section 7.1) or a client certificate (RFC 8705, section 3). A token with a key is accepted with that key
 * only. A token with an unknown kind of binding is refused.
 */
export class SenderConstraint {
  /** The accepted authentication schemes. */
  readonly schemes: readonly Scheme[];
  /** The authentication schemes that challenges offer. */
  readonly offered: readonly Scheme[];
  /** The algorithms of proofs; empty without DPoP. */
  readonly algorithms: readonly string[];
  readonly #dpop: DpopVerifier | undefined;
  readonly #certificates: ClientCertificates | undefined;
  readonly #isCertificateRequired: boolean;
  readonly #isBindingRequired: boolean;

  /** @throws {ConfigError} DPoP is configured without the URL of the API */
  constructor({ dpop, mtls, resource, isBindingRequired }: BindingSettings, store: OidcStore, clock: Clock) {
    this.#dpop = dpop && new DpopVerifier(dpop, resource, store, clock);
    this.#certificates = mtls && new ClientCertificates(mtls);
    this.#isCertificateRequired = mtls?.required === true;
    this.#isBindingRequired = isBindingRequired === true;
    this.schemes = dpop === undefined ? ['Bearer'] : ['Bearer', 'DPoP'];
    this.offered = dpop?.required === true ? ['DPoP'] : this.schemes;
    this.algorithms = this.#dpop?.algorithms ?? [];
  }

  /** The nonce that the next proof must carry, if any (RFC 9449, section 8). */
  nonce(): string | undefined {
    return this.#dpop?.nonce();
  }

  /**
   * Verifies the proof or certificate beside a token, before the token itself is verified.
   *
   * @returns the DPoP proof; undefined for another scheme
   * @throws {AccessTokenError} the proof is invalid, or a proof or certificate is missing
   */
  prove({ token, request }: Presentation): Promise<VerifiedDpopProof> | undefined {
    if (this.#isCertificateRequired && this.#certificateThumbprint(request) === undefined) {
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
   * Compares the token's confirmation with the proof or certificate, and marks the proof as used.
   *
   * @throws {AccessTokenError} `TOKEN_BINDING`, `DPOP_PROOF_REPLAYED`
   * @throws {StoreError} the store failed
   */
  confirm(
    token: VerifiedAccessToken,
    { token: { scheme }, request }: Presentation,
    proof: VerifiedDpopProof | undefined,
  ): Awaitable<VerifiedAccessToken> {
    const { jkt, 'x5t#S256': thumbprint } = confirmationOf(token.claims.cnf);
    if (this.#isBindingRequired && jkt === undefined && thumbprint === undefined) {
      throw unconfirmed('The token is bound to nothing.');
    }
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
    const shown = this.#certificateThumbprint(request);
    if (shown === undefined || !equalInConstantTime(shown, thumbprint)) {
      throw unconfirmed('The token is bound to a certificate that was not shown.');
    }
  }

  #certificateThumbprint(request: object | undefined): string | undefined {
    return request && this.#certificates?.thumbprint(request);
  }
}
