/** A member of something that others made and that may be anything; undefined where there is none. */
export function member(value: unknown, name: string): unknown {
  return isObject(value) ? Reflect.get(value, name) : undefined;
}

/** The same where only text tells something; else empty. */
export function textMember(value: unknown, name: string): string {
  return text(member(value, name)) ?? '';
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

export function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
