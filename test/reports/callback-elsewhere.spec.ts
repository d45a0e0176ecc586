// auth0/express-openid-connect#390, oauth2-proxy/oauth2-proxy#1843, damienbod/angular-auth-oidc-client#2040.
// The callback is told by its path alone. Where it comes on another one (a proxy cut a prefix off and `callbackPath` is
// not set; a slash at the end or another case, which Express routes all the same) it counts as the begin of a login: a
// provider with a session sends the browser back at once, and both go round for ever, without a line in the log.
// Right: an answer to a login of this browser begins no other one; an error, and a line that names the paths.
import { expect, it } from '@jest/globals';
import { Controller, Get, UseGuards } from '@nestjs/common';

import { OidcLoginGuard } from '../../lib/index.js';
import { CONTROLLERS } from '../support/app/app-controllers.js';
import { createApp } from '../support/app/apps.js';
import { Browser } from '../support/browser/browser.js';

/** Without a route there, the boot would stop. */
@Controller('shop/auth')
class ShopController {
  @Get('callback')
  @UseGuards(OidcLoginGuard)
  callback() {}
}

it.each([
  ['whose prefix a proxy cut off', '/shop/auth/callback', (url: string) => url.replace('/shop/', '/')],
  ['with a slash at its end', '/auth/callback', (url: string) => url.replace('/callback?', '/callback/?')],
  ['in another case', '/auth/callback', (url: string) => url.replace('/auth/callback?', '/Auth/Callback?')],
])('does not begin a login anew with a callback %s', async (_what, registered, rewritten) => {
  const app = await createApp({
    adapter: 'express',
    publicUrl: 'https://app.test',
    controllers: [...CONTROLLERS, ShopController],
    client: { redirect_uris: [`https://app.test${registered}`] },
  });
  const browser = new Browser(app);
  const answer = await browser.startLogin();
  const page = await browser.get(rewritten(answer.location));
  expect(page.target ?? 'none').not.toContain(app.op.issuer);
  if (page.status >= 400) {
    expect(app.logs.map(({ text }) => text)).toContainEqual(expect.stringMatching(/callback/i));
  }
});
