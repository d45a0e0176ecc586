import { isAsymmetric } from '../jose/algorithms.js';
import { DEFAULT_CONTENT_ENCRYPTION, type EncryptionAlgorithms } from '../jose/encryption-algorithms.js';
import { AUTHORIZATION_RESPONSE, ID_TOKEN, INTROSPECTION, USERINFO, type Purpose } from '../jose/purpose.js';

/** The client metadata member that sets an algorithm, and the server metadata member that lists what the server can do. */
export interface AlgorithmMembers {
  readonly registered: string;
  readonly published: string;
}

/** An answer of the server that can come as a JWT, signed, encrypted or both. */
interface ProtectedAnswer {
  /** What its JWT is verified as. */
  readonly purpose: Purpose;
  readonly signing: AlgorithmMembers & {
    /** Algorithms that are taken where neither side names any. */
    readonly defaults: readonly string[];
    /** When nothing but a JWT is taken. An answer that is `always` a JWT is the only one that may be registered as `none`. */
    readonly required: 'always' | 'if-registered';
  };
  /** A JWT that is encrypted is signed as well, by the algorithms above. */
  readonly encryption: { readonly alg: AlgorithmMembers; readonly enc: AlgorithmMembers };
  /** Where the client's members are specified. */
  readonly specification: string;
}

/**
 * Protected answers: a row for each answer that can come as a JWT.
 *
 * The metadata types, their schemas, the checks at boot and the verification read this table. A new kind of answer is a
 * new row.
 */
export const PROTECTED_ANSWERS = {
  id_token: {
    purpose: ID_TOKEN,
    signing: {
      registered: 'id_token_signed_response_alg',
      published: 'id_token_signing_alg_values_supported',
      defaults: ['RS256'],
      required: 'always',
    },
    encryption: {
      alg: {
        registered: 'id_token_encrypted_response_alg',
        published: 'id_token_encryption_alg_values_supported',
      },
      enc: {
        registered: 'id_token_encrypted_response_enc',
        published: 'id_token_encryption_enc_values_supported',
      },
    },
    specification: 'OpenID Connect Dynamic Client Registration 1.0, section 2',
  },
  userinfo: {
    purpose: USERINFO,
    signing: {
      registered: 'userinfo_signed_response_alg',
      published: 'userinfo_signing_alg_values_supported',
      defaults: [],
      required: 'if-registered',
    },
    encryption: {
      alg: {
        registered: 'userinfo_encrypted_response_alg',
        published: 'userinfo_encryption_alg_values_supported',
      },
      enc: {
        registered: 'userinfo_encrypted_response_enc',
        published: 'userinfo_encryption_enc_values_supported',
      },
    },
    specification: 'OpenID Connect Dynamic Client Registration 1.0, section 2',
  },
  introspection: {
    purpose: INTROSPECTION,
    signing: {
      registered: 'introspection_signed_response_alg',
      published: 'introspection_signing_alg_values_supported',
      defaults: ['RS256'],
      required: 'if-registered',
    },
    encryption: {
      alg: {
        registered: 'introspection_encrypted_response_alg',
        published: 'introspection_encryption_alg_values_supported',
      },
      enc: {
        registered: 'introspection_encrypted_response_enc',
        published: 'introspection_encryption_enc_values_supported',
      },
    },
    specification: 'RFC 9701, section 6',
  },
  authorization: {
    purpose: AUTHORIZATION_RESPONSE,
    signing: {
      registered: 'authorization_signed_response_alg',
      published: 'authorization_signing_alg_values_supported',
      defaults: ['RS256'],
      required: 'if-registered',
    },
    encryption: {
      alg: {
        registered: 'authorization_encrypted_response_alg',
        published: 'authorization_encryption_alg_values_supported',
      },
      enc: {
        registered: 'authorization_encrypted_response_enc',
        published: 'authorization_encryption_enc_values_supported',
      },
    },
    specification: 'JWT Secured Authorization Response Mode for OAuth 2.0 (JARM), section 3',
  },
} as const satisfies Record<string, ProtectedAnswer>;

type Answers = typeof PROTECTED_ANSWERS;

/** A row of the table. */
export type SignedAnswer = Answers[keyof Answers];
type BuiltMembers = SignedAnswer['signing'] | SignedAnswer['encryption']['alg' | 'enc'];

/** The name of an answer. */
export type SignedAnswerName = keyof Answers;

/** The client metadata members that say how answers are protected. */
export type RegisteredProtection = { readonly [member in BuiltMembers['registered']]?: string | undefined };

/** The server metadata members that list how answers can be protected. */
export type PublishedProtection = { readonly [member in BuiltMembers['published']]?: readonly string[] | undefined };

export const SIGNED_ANSWERS: readonly SignedAnswer[] = Object.values(PROTECTED_ANSWERS);

/** The members of an answer: one pair for each of its algorithms. */
export function algorithmMembers({ signing, encryption }: SignedAnswer): readonly BuiltMembers[] {
  return [signing, encryption.alg, encryption.enc];
}

/**
 * The algorithms that an answer may be signed with: the registered one, else those that the server publishes, else the
 * default. What a server publishes narrows and never adds `none` or HS*; when nothing is left, nothing is accepted.
 */
export function allowedAlgorithms(
  answer: SignedAnswerName,
  client: RegisteredProtection,
  server: PublishedProtection,
): readonly string[] {
  const { registered, published, defaults } = PROTECTED_ANSWERS[answer].signing;
  const alg = client[registered];
  return alg === undefined ? (server[published]?.filter(isAsymmetric) ?? defaults) : [alg];
}

/** The algorithms that an answer must be encrypted by; undefined: it must not be encrypted. */
export function registeredEncryption(
  { encryption }: SignedAnswer,
  client: RegisteredProtection,
): EncryptionAlgorithms | undefined {
  const alg = client[encryption.alg.registered];
  return alg === undefined ? undefined : { alg, enc: client[encryption.enc.registered] ?? DEFAULT_CONTENT_ENCRYPTION };
}

/** An algorithm that is known from the registration, and the members that it stands in. */
type RegisteredAlgorithm = Pick<BuiltMembers, 'registered' | 'published'> & { readonly name: string };

/** The algorithms that are registered for an answer, and what they imply. */
export function registeredAlgorithms(
  answer: SignedAnswer,
  client: RegisteredProtection,
): readonly RegisteredAlgorithm[] {
  const { signing, encryption } = answer;
  const encrypted = registeredEncryption(answer, client);
  const alg = client[signing.registered];
  return [
    ...(alg === undefined ? [] : [{ ...signing, name: alg }]),
    ...(encrypted === undefined
      ? []
      : [
          { ...encryption.alg, name: encrypted.alg },
          { ...encryption.enc, name: encrypted.enc },
        ]),
  ];
}

/** Why plain JSON is refused. */
export type RequiredProtection = 'encrypted' | 'signed';

/** What an answer must be; undefined: plain JSON is taken too. */
export function requiredProtection(
  answer: SignedAnswerName,
  client: RegisteredProtection,
): RequiredProtection | undefined {
  const row = PROTECTED_ANSWERS[answer];
  if (registeredEncryption(row, client) !== undefined) {
    return 'encrypted';
  }
  const { registered, required } = row.signing;
  return required === 'always' || client[registered] !== undefined ? 'signed' : undefined;
}
