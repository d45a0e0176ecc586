// constructorfabric/insight#2032, uptick/pymyob#45, streamlit/streamlit#15589.
// A double click, a security scanner or a browser that loads ahead sends the callback twice at the same time. The first is
// signed in, the second gets 403 (the code is used up), and that is the page the person sees.
// Right: the same browser with the same answer gets the same end.
import { expect, it } from '@jest/globals';

import { createApp } from '../support/app/apps.js';
import { Browser } from '../support/browser/browser.js';

it('ends both of two callbacks that come at once with the same redirect', async () => {
  const app = await createApp({ adapter: 'express' });
  const browser = new Browser(app);
  const answer = await browser.startLogin({ returnTo: '/me' });
  const pages = await Promise.all([browser.copy().get(answer.location), browser.copy().get(answer.location)]);
  expect(pages.map(({ status }) => status)).toEqual([303, 303]);
});
