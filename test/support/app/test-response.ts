/** What a test got back, whichever way it asked: headers in lower case, none of them joined. */
export class TestResponse {
  constructor(
    readonly status: number,
    /** Every value of every header, in the order in which they came. */
    readonly headers: Readonly<Record<string, readonly string[]>>,
    readonly body: string,
  ) {}

  /** From header lines as Node keeps them. */
  static of(
    status: number,
    lines: Readonly<Record<string, string | string[] | undefined>>,
    body: string,
  ): TestResponse {
    const headers = Object.entries(lines).map(([name, value]) => [name.toLowerCase(), [value ?? []].flat()]);
    return new TestResponse(status, Object.fromEntries(headers), body);
  }

  /** The only value of a header; undefined when it is not there. */
  header(name: string): string | undefined {
    const values = this.all(name);
    if (values.length > 1) {
      throw new Error(`${values.length} headers ${name}`);
    }
    return values[0];
  }

  all(name: string): readonly string[] {
    return this.headers[name.toLowerCase()] ?? [];
  }

  get setCookies(): readonly string[] {
    return this.all('set-cookie');
  }

  json(): Record<string, unknown> {
    return JSON.parse(this.body);
  }
}
