/** A client metadata member that would promise something which is not built. */
interface UnsupportedMember {
  readonly member: string;
  readonly specification: string;
  /** Whether a registered value promises anything. */
  readonly promises: (value: unknown) => boolean;
}

function isSet(value: unknown): boolean {
  return value !== undefined;
}

const REGISTRATION = 'OpenID Connect Dynamic Client Registration 1.0, section 2';

/** Unsupported metadata. Each member stops the boot, so that nobody believes to be protected who is not. */
export const UNSUPPORTED_METADATA: readonly UnsupportedMember[] = [
  { member: 'request_object_encryption_alg', specification: REGISTRATION, promises: isSet },
  { member: 'request_object_encryption_enc', specification: REGISTRATION, promises: isSet },
];
