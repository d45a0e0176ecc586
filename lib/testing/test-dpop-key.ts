import { Clock } from '../clock/clock.js';
import { DpopKey } from '../jose/dpop-key.js';

/** A request with an access token that is bound to a key. */
export interface TestDpopRequest {
  readonly token: string;
  /** The API's URL, as its callers write it: below `resourceServer.resource`. */
  readonly url: string;
  /** Default `GET`. */
  readonly method?: string;
  /** The nonce that the API asked for. */
  readonly nonce?: string;
}

/**
 * A caller's key for DPoP (RFC 9449), made by {@link TestProvider.dpopKey}.
 *
 * ```ts
 * import { TestProvider } from 'nestjs-oidc/testing';
 *
 * const provider = await TestProvider.start();
 * const key = await provider.dpopKey();
 * const token = await provider.accessToken({ sub: 'alice', dpop: key });
 * const headers = await key.headers({ token, url: 'https://api.example.com/orders' });
 * ```
 */
export class TestDpopKey {
  /** The thumbprint of the key, which stands in `cnf` of its tokens. */
  readonly jkt: string;

  private constructor(
    private readonly key: DpopKey,
    private readonly clock: Clock,
  ) {
    this.jkt = key.jkt;
  }

  /** @internal */
  static async generate(alg: string, now: () => number): Promise<TestDpopKey> {
    return new TestDpopKey(await DpopKey.generate(alg), new Clock(now, 0, 0));
  }

  /** The headers of one request: the token, and a proof that is good once. */
  async headers({
    token,
    url,
    method = 'GET',
    nonce,
  }: TestDpopRequest): Promise<{ readonly authorization: string; readonly dpop: string }> {
    const dpop = await this.key.proof({ method, url, accessToken: token, nonce }, this.clock);
    return { authorization: `DPoP ${token}`, dpop };
  }
}
