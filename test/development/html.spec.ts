import { expect, it } from '@jest/globals';
import fc from 'fast-check';

import { html, trusted } from '../../lib/development/html.js';

it('escapes what is put in, and nothing twice', () => {
  expect(
    html`<p title="${'"&'}">${'<b>'}${html`<i>${"'"}</i>`}${[1, trusted('<br>')]}${false}${undefined}</p>`.toString(),
  ).toBe('<p title="&#34;&#38;">&#60;b&#62;<i>&#39;</i>1<br></p>');
});

it('leaves no text a way out of an element or of an attribute', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const [, content = '', attribute = ''] =
        /^<p>(.*)<i title="(.*)"><\/i><\/p>$/s.exec(html`<p>${text}<i title="${text}"></i></p>`.toString()) ?? [];
      expect(content).toBe(attribute);
      expect(content).not.toMatch(/[<>"']/);
      expect(content.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))).toBe(text);
    }),
  );
});
