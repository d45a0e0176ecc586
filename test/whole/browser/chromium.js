import { existsSync } from 'node:fs';

/** Where a Chromium of this machine stands; `CHROMIUM` names another one. */
const places = [
  process.env.CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/** The path of a Chromium, or `undefined` when there is none: the tests in this folder then can not run. */
export const chromiumPath = places.find((place) => place && existsSync(place));
