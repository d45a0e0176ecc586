/** Text that is HTML already. Only the `html` tag and {@link trusted} make it, so that all else is escaped. */
export class Html {
  constructor(private readonly text: string) {}

  toString(): string {
    return this.text;
  }
}

type Value = string | number | Html | readonly Value[] | false | undefined;

/** A template tag that escapes what is put into it. */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Html {
  return new Html(strings.reduce((text, part, index) => text + render(values[index - 1]) + part));
}

/** HTML that a library made. */
export function trusted(text: string): Html {
  return new Html(text);
}

function render(value: Value): string {
  if (value === undefined || value === false) {
    return '';
  }
  if (value instanceof Html) {
    return value.toString();
  }
  if (typeof value === 'object') {
    return value.map(render).join('');
  }
  return String(value).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
