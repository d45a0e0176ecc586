import { sharedKeyLength } from '../jose/encryption-algorithms.js';
import { decryptionKeys } from '../jose/own-keys.js';
import { invalid, type Finding } from './finding.js';
import { registeredEncryption, SIGNED_ANSWERS, type SignedAnswer } from './protected-answer.js';
import type { Registration } from './registration-findings.js';

/** What is wrong with the encryption that is registered: it could not be decrypted, or would hold no signature. */
export function encryptionFindings(registration: Registration): readonly Finding[] {
  return SIGNED_ANSWERS.flatMap((answer) => findingsOf(answer, registration));
}

function findingsOf(answer: SignedAnswer, { metadata, keys }: Registration): readonly Finding[] {
  const { signing, encryption, specification } = answer;
  const { alg, enc } = encryption;
  const encrypted = registeredEncryption(answer, metadata);
  if (encrypted === undefined) {
    const problem = `needs ${alg.registered}`;
    return metadata[enc.registered] === undefined
      ? []
      : [invalid({ member: `client.${enc.registered}`, problem }, specification)];
  }
  const findings: Finding[] = [];
  const needsKey = sharedKeyLength(encrypted) === undefined;
  if (needsKey && decryptionKeys(keys, encrypted.alg).length === 0) {
    const problem = `holds no private key for ${alg.registered} ${encrypted.alg}`;
    findings.push(invalid({ member: 'client.jwks', problem }, 'OpenID Connect Core 1.0, section 10.2'));
  }
  const signed = metadata[signing.registered] ?? signing.defaults[0];
  if (signed === undefined || signed === 'none') {
    const problem = `needs ${signing.registered}: anybody can encrypt, so that what is not signed is not taken`;
    findings.push(invalid({ member: `client.${alg.registered}`, problem }, 'RFC 8725, section 3.3'));
  }
  return findings;
}
