/**
 * `oidc-provider` warns of every Node below 22 while it is loaded. It works there, and this sample is run on Node 20: its
 * one sentence is left out, the others are printed. Has to be imported before the provider.
 */
const { warn } = console;
console.warn = (...words: unknown[]) => {
  if (!String(words[0]).includes('Unsupported runtime')) {
    warn(...words);
  }
};

export {};
