/** Characters of values in OAuth, under the names that RFC 6749, appendix A gives to the sets. */

const VSCHARS = /^[\x20-\x7e]+$/;

const NQCHARS = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** `1*VSCHAR`: printable ASCII, not empty. Client credentials, codes and tokens consist of it. */
export function isVschars(text: string): boolean {
  return VSCHARS.test(text);
}

/** `1*NQCHAR`: the same without space, quotation mark and backslash. Scope tokens and DPoP nonces consist of it. */
export function isNqchars(text: string): boolean {
  return NQCHARS.test(text);
}

/** RFC 6749, section 3.3: scope tokens with one space between them. */
export function isScope(text: string): boolean {
  return text.split(' ').every(isNqchars);
}
