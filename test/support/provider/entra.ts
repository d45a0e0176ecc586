import { generateKey, type SigningKey } from '../../../lib/testing/provider/keys.js';
import type { TestClock } from '../clock.js';
import { jwtAccessToken, type JwtAccessTokenOptions } from '../tokens/access-token.js';
import type { HostileProvider, Members } from './hostile-provider.js';
import { startProvider } from './provider.js';

export const TENANT = '9a0c2d4e-0000-4000-8000-0000000000aa';
export const OTHER_TENANT = 'b1b2c3d4-0000-4000-8000-0000000000bb';
/** The tenant of consumers' accounts. */
export const CONSUMERS = '9188040d-6c67-4c5b-b112-36a304b66dad';

/**
 * A provider that plays Entra ID for many tenants: its metadata has a template as the issuer, its tokens the name of their
 * tenant, and its keys say for whom they sign.
 *
 * ```ts
 * const entra = await Entra.start();
 * const token = entra.accessToken({ claims: { tid: OTHER_TENANT } });
 * entra.claims = { iss: entra.nameOf(OTHER_TENANT) };   // of the next ID token
 * ```
 */
export class Entra {
  /** Stand above the claims of an ID token. */
  claims: Members = {};
  /** Signs for consumers' accounts only. */
  readonly consumersKey: SigningKey = generateKey('P-256', 'consumers');

  private constructor(readonly op: HostileProvider) {
    op.discovery(({ authorization_response_iss_parameter_supported: _, ...document }) => ({
      ...document,
      issuer: this.nameOf('{tenantid}'),
    }));
    op.jwks(({ keys }) => ({
      keys: [
        ...keys.map((key) => ({ ...key, issuer: this.nameOf('{tenantid}') })),
        { ...this.consumersKey.jwk, issuer: this.nameOf(CONSUMERS) },
      ],
    }));
    op.authorizationResponse(({ iss: _, ...parameters }) => parameters);
    op.idToken({ claims: (claims) => ({ ...claims, iss: this.nameOf(TENANT), tid: TENANT, ...this.claims }) });
  }

  static async start(clock?: TestClock): Promise<Entra> {
    return new Entra(await startProvider({ path: '/common/v2.0', ...(clock && { clock }) }));
  }

  /** The issuer's name for a tenant. */
  nameOf(tenant: string): string {
    return `${this.op.origin}/${tenant}/v2.0`;
  }

  /** Of the tenant in `tid`, default {@link TENANT}. */
  accessToken({ claims = {}, ...options }: JwtAccessTokenOptions = {}): string {
    const { tid = TENANT } = claims;
    return jwtAccessToken(this.op, { ...options, claims: { iss: this.nameOf(String(tid)), tid, ...claims } });
  }
}
