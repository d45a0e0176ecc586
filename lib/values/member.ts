/** A member of an unknown value; undefined where the value is no object or has no such member. */
export function member(value: unknown, name: string): unknown {
  return isObject(value) ? Reflect.get(value, name) : undefined;
}

/** A member that is text; empty where it is absent or no text. */
export function textMember(value: unknown, name: string): string {
  return text(member(value, name)) ?? '';
}

/** Whether a value is an object, arrays included. */
export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** The value if it is text. */
export function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
