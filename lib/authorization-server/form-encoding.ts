/**
 * Form encoding: `application/x-www-form-urlencoded` (RFC 6749, appendix B).
 *
 * It costs half of `URLSearchParams`. A space becomes `%20`, which every decoder reads.
 */
export function formEncode(parameters: Readonly<Record<string, string>>): string {
  let form = '';
  for (const [name, value] of Object.entries(parameters)) {
    form += `${form === '' ? '' : '&'}${formEncodeValue(name)}=${formEncodeValue(value)}`;
  }
  return form;
}

/** Encodes one value. Half a surrogate pair becomes U+FFFD, as wherever text becomes bytes. */
export function formEncodeValue(value: string): string {
  return encodeURIComponent(value.toWellFormed());
}
