import { ConfigError } from '../errors/errors.js';
import { isSymmetric } from '../jose/algorithms.js';
import { Decryption } from '../jose/decryption.js';
import { verifyJwt, type KeySource, type VerifiedJwt } from '../jose/jwt.js';
import { LOGOUT_TOKEN, type Purpose } from '../jose/purpose.js';
import type { JwtOrigin } from '../jose/remote-keys.js';
import { secretKey } from '../jose/secret-key.js';
import {
  allowedAlgorithms,
  PROTECTED_ANSWERS,
  registeredEncryption,
  type SignedAnswerName,
} from '../metadata/protected-answer.js';
import type { RegisteredClient } from '../metadata/registered-client.js';
import type { PublishedServer } from './published-server.js';

/** What is asked of a JWT of the server. */
interface AskedOfAnswer {
  /** The answer whose registration it follows. */
  readonly answer: SignedAnswerName;
  readonly purpose: Purpose;
  readonly audience: readonly string[];
  /** `stranger`: anybody may have made it up. Then it is never unsigned. */
  readonly origin: JwtOrigin;
}

/** The answers of a server that are JWTs, decrypted and verified as the client registered them. */
export class ServerAnswers {
  readonly #secretKey: KeySource | undefined;

  constructor(
    private readonly server: PublishedServer,
    private readonly client: RegisteredClient,
  ) {
    const secret = client.metadata.client_secret;
    this.#secretKey = secret && secretKey(secret);
  }

  /**
   * Verifies an answer. Where encryption is registered it must be encrypted.
   *
   * @param origin `stranger`: it came by the browser, so that anybody may have made it up. Then it is never unsigned
   */
  verify(
    answer: SignedAnswerName,
    jwt: string,
    audience: readonly string[],
    origin: JwtOrigin = 'provider',
  ): Promise<VerifiedJwt> {
    return this.#verify(jwt, { answer, purpose: PROTECTED_ANSWERS[answer].purpose, audience, origin });
  }

  /**
   * Verifies a logout token, which anybody can send to us. It is signed and encrypted as ID tokens are, and never unsigned
   * (OpenID Connect Back-Channel Logout 1.0, section 2.6).
   */
  verifyLogoutToken(jwt: string): Promise<VerifiedJwt> {
    const audience = [this.client.metadata.client_id];
    return this.#verify(jwt, { answer: 'id_token', purpose: LOGOUT_TOKEN, audience, origin: 'stranger' });
  }

  /** An answer as it was signed: decrypted where encryption is registered. **Its signature is not verified.** */
  async decrypted(answer: SignedAnswerName, jwt: string): Promise<string> {
    const decryption = this.#decryptionOf(answer);
    const { maxLength } = PROTECTED_ANSWERS[answer].purpose;
    return decryption === undefined ? jwt : (await decryption.decrypt(jwt, maxLength)).jws;
  }

  async #verify(jwt: string, { answer, purpose, audience, origin }: AskedOfAnswer): Promise<VerifiedJwt> {
    const { client, server } = this;
    const metadata = await server.metadata();
    const algorithms = allowedAlgorithms(answer, client.metadata, metadata);
    return verifyJwt(jwt, purpose, {
      issuer: server.answerIssuer,
      audience,
      algorithms: origin === 'stranger' ? algorithms.filter((alg) => alg !== 'none') : algorithms,
      clock: server.clock,
      decryption: this.#decryptionOf(answer),
      keys: ({ alg }) => (isSymmetric(alg) ? this.#shared() : server.publishedKeys(metadata).from(origin)),
    });
  }

  /** What decrypts an answer; undefined: it must not be encrypted. */
  #decryptionOf(answer: SignedAnswerName): Decryption | undefined {
    const { metadata, keys } = this.client;
    const encryption = registeredEncryption(PROTECTED_ANSWERS[answer], metadata);
    return encryption && new Decryption(encryption, { privateKeys: keys, secret: metadata.client_secret });
  }

  /** The key of the client's secret. */
  #shared(): KeySource {
    if (this.#secretKey === undefined) {
      throw new ConfigError('INVALID_CONFIG', 'client.client_secret', 'is required by the registered algorithm');
    }
    return this.#secretKey;
  }
}
