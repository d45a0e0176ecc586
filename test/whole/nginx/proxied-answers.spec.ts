import { expect, it } from '@jest/globals';

import { createApp, onBothAdapters, SESSION_SECRET } from '../../support/app/apps.js';
import { Browser } from '../../support/browser/browser.js';
import { closeLater } from '../../support/closing.js';
import { Api } from '../../support/http/api.js';
import { Nginx } from './nginx.js';

const URL = 'https://app.test';

onBothAdapters((adapter) => {
  it('let no API send the browser to what nginx keeps for the application', async () => {
    const api = await Api.start();
    const app = await createApp({
      adapter,
      controllers: [],
      publicUrl: URL,
      options: {
        session: { secret: SESSION_SECRET, tokens: true },
        routes: { proxy: [{ path: '/api', to: api.url }] },
      },
    });
    const browser = new Browser(app);
    browser.knows(URL, closeLater(await Nginx.start(app.address)).address);
    await browser.login();
    api.answer = (_request, response) =>
      void response.writeHead(200, { 'x-accel-redirect': '/only-by-the-application/x' }).end('of the API');
    const answer = await browser.get('/api/orders', { from: URL, headers: { 'x-csrf': '1' } });
    expect([answer.status, answer.body]).toEqual([200, 'of the API']);
  });
});
