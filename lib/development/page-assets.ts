const STYLE = `:root {
  color-scheme: light dark;
  --paper: #f5f4ef;
  --surface: #fffefb;
  --sunken: #f0efe8;
  --ink: #17211c;
  --soft: #59645d;
  --line: #dedcd2;
  --accent: #0a6b4b;
  --on-accent: #ffffff;
  --sans: -apple-system, BlinkMacSystemFont, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif;
  --mono: ui-monospace, SFMono-Regular, 'SF Mono', Menlo, Consolas, 'Liberation Mono', monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #0f1412;
    --surface: #171e1b;
    --sunken: #111715;
    --ink: #e9efeb;
    --soft: #9eaba4;
    --line: #2b3530;
    --accent: #58d3a4;
    --on-accent: #06231a;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0;
  padding: clamp(1rem, 8vh, 5rem) clamp(1rem, 4vw, 2.5rem) 3rem;
  background: var(--paper);
  color: var(--ink);
  font: 1rem/1.6 var(--sans);
  -webkit-text-size-adjust: 100%;
}
main {
  max-width: 27rem;
  margin-inline: auto;
  padding: clamp(1.25rem, 4vw, 2rem);
  border: 1px solid var(--line);
  border-radius: 1rem;
  background: var(--surface);
}
main.wide { max-width: 44rem; }
h1, h2 { margin: 0; line-height: 1.15; letter-spacing: -0.02em; overflow-wrap: anywhere; }
h1 { font-size: clamp(1.75rem, 4vw, 2.25rem); }
h2 { margin-top: 2.25rem; font-size: 1.25rem; }
p { margin: 0.5rem 0 0; text-wrap: pretty; overflow-wrap: anywhere; }
.soft, .hint, legend { color: var(--soft); }
.hint, legend { font-size: 0.875rem; }
code, pre { font-family: var(--mono); font-size: 0.875rem; }
pre {
  margin: 0.75rem 0 0;
  padding: 0.75rem 1rem;
  overflow-x: auto;
  border-radius: 0.5rem;
  background: var(--sunken);
  line-height: 1.55;
}
pre.token { white-space: pre-wrap; overflow-wrap: anywhere; }
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
form { margin: 0; }
fieldset { margin: 1.25rem 0 0; padding: 0; border: 0; }
legend { padding: 0; }
.choices { display: grid; gap: 0.625rem; margin-top: 1.25rem; }
.row { display: flex; flex-wrap: wrap; gap: 0.5rem 1.25rem; align-items: center; margin-top: 0.375rem; }
label { display: inline-flex; gap: 0.5rem; align-items: center; }
input[type='text'], select {
  width: 100%;
  margin-top: 0.375rem;
  padding: 0.5rem 0.75rem;
  border: 1px solid var(--soft);
  border-radius: 0.625rem;
  background: var(--paper);
  color: var(--ink);
  font: 1rem/1.5 var(--sans);
}
button, .button {
  display: inline-block;
  padding: 0.5rem 1.25rem;
  border: 1px solid var(--line);
  border-radius: 0.625rem;
  background: var(--surface);
  color: var(--ink);
  font: 600 1rem/1.5 var(--sans);
  text-decoration: none;
  cursor: pointer;
}
button:hover, .button:hover { border-color: var(--accent); }
.primary { border-color: transparent; background: var(--accent); color: var(--on-accent); }
.account { display: flex; gap: 0.875rem; align-items: center; width: 100%; padding: 0.75rem 1rem; text-align: left; }
.account span { display: block; }
.account .hint { font-weight: 400; overflow-wrap: anywhere; }
.account .avatar {
  display: grid;
  place-items: center;
  flex: none;
  width: 2.5rem;
  height: 2.5rem;
  border-radius: 50%;
  background: var(--accent);
  color: var(--on-accent);
}
.actions { display: flex; flex-wrap: wrap; gap: 0.75rem; margin-top: 1.5rem; }
`;

/** A page with nothing to ask sends its form at once. */
const SCRIPT = `const button = document.querySelector('button[name="logout"]');
button.form.requestSubmit(button);
`;

const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
<rect width="32" height="32" rx="8" fill="#0a6b4b"/>
<path d="M10 15v-3a6 6 0 0 1 12 0v3m-13 0h14v9H9z" fill="none" stroke="#fff" stroke-width="2.5" stroke-linejoin="round"/>
</svg>
`;

/** The files of the provider's pages by name: nothing in a page is inline. */
export const PAGE_ASSETS: ReadonlyMap<string, { readonly type: string; readonly body: string }> = new Map([
  ['page.css', { type: 'text/css; charset=utf-8', body: STYLE }],
  ['submit.js', { type: 'text/javascript; charset=utf-8', body: SCRIPT }],
  ['icon.svg', { type: 'image/svg+xml', body: ICON }],
]);
