import { describe, expect, it } from '@jest/globals';
import { Controller, ForbiddenException, Get, Inject, Post, Req, Res, UseGuards } from '@nestjs/common';

import {
  CurrentUser,
  MemoryStore,
  OidcSession,
  OidcSessionGuard,
  Public,
  type SessionContent,
} from '../../lib/index.js';
import type { SessionOptions } from '../../lib/session/session.options.js';
import { createApp, onBothAdapters, SESSION_SECRET } from '../support/app/apps.js';
import { AuthController } from '../support/app/app-controllers.js';
import { expectRefused } from '../support/app/outcomes.js';
import { Browser } from '../support/browser/browser.js';

interface Member {
  readonly name: string;
  readonly roles: readonly string[];
}

@Controller('members')
@UseGuards(OidcSessionGuard)
class MembersController {
  constructor(@Inject(OidcSession) private readonly session: OidcSession<Member>) {}

  @Get('me')
  async me(@CurrentUser() user: Member, @Req() request: object) {
    const session: SessionContent<Member> | undefined = await this.session.read(request);
    return { seen: user.roles, read: session?.user.roles };
  }

  @Get('open')
  @Public()
  open(@CurrentUser() user: Member | undefined) {
    return { name: user?.name ?? null };
  }

  @Post('refresh')
  async refresh(@Req() request: object, @Res({ passthrough: true }) response: object) {
    const { user } = await this.session.refresh(request, response);
    return { roles: user.roles };
  }
}

@Controller('bare')
class BareController {
  constructor(@Inject(OidcSession) private readonly session: OidcSession<Member>) {}

  @Get()
  async read(@Req() request: object) {
    return { name: (await this.session.read(request))?.user.name ?? null };
  }
}

onBothAdapters((adapter) => {
  describe.each(['store', 'cookie'] as const)('session.validate of a session in a %s', (keep) => {
    /** A person who is signed in, and what the application's own data says of them. */
    async function signedIn(more: Partial<SessionOptions> = {}) {
      const data: { roles?: string[] | undefined; error?: Error; asked: unknown[] } = { roles: ['reader'], asked: [] };
      const validate = (user: { readonly sub: string }, session: SessionContent<unknown>): Member | undefined => {
        data.asked.push([user.sub, session.tokens.scope]);
        if (data.error !== undefined) {
          throw data.error;
        }
        return data.roles && { name: user.sub, roles: data.roles };
      };
      const app = await createApp({
        adapter,
        controllers: [AuthController, MembersController, BareController],
        options: {
          store: new MemoryStore(),
          login: { scope: 'openid offline_access' },
          session: { secret: SESSION_SECRET, keep, tokens: true, validate, ...more },
        },
      });
      const browser = new Browser(app);
      await browser.login();
      data.asked.length = 0;
      return { app, browser, data };
    }

    it('is asked once in each request, with what the login left', async () => {
      const { browser, data } = await signedIn();
      expect((await browser.get('/members/me')).json()).toEqual({ seen: ['reader'], read: ['reader'] });
      data.roles = ['reader', 'writer'];
      expect((await browser.get('/members/me')).json()).toEqual({
        seen: ['reader', 'writer'],
        read: ['reader', 'writer'],
      });
      expect((await browser.get('/bare')).json()).toEqual({ name: 'alice' });
      expect(data.asked).toEqual(Array(3).fill(['alice', 'openid offline_access']));
    });

    it('is not written into the session with new tokens', async () => {
      const { browser, data } = await signedIn();
      data.roles = ['writer'];
      expect((await browser.post('/members/refresh')).json()).toEqual({ roles: ['writer'] });
      await browser.get('/members/me');
      expect(data.asked).toEqual(Array(2).fill(['alice', 'openid offline_access']));
    });

    it('ends the session where it returns nothing', async () => {
      const { app, browser, data } = await signedIn();
      const copy = `oidc-session=${browser.jar.get('oidc-session')?.value}`;
      data.roles = undefined;
      expectRefused(app, await browser.get('/members/me'), 401, 'SESSION_MISSING');
      expect(browser.jar.names).toEqual([]);
      data.roles = ['reader'];
      expect((await app.get('/members/me', { cookie: copy })).status).toBe(401);
    });

    it('ends it for a public handler as well, and for who only reads it', async () => {
      const { browser, data } = await signedIn();
      data.roles = undefined;
      expect((await browser.get('/bare')).json()).toEqual({ name: null });
      expect((await browser.get('/members/open')).json()).toEqual({ name: null });
      expect(browser.jar.names).toEqual([]);
    });

    it('answers with what it throws, and the session stays', async () => {
      const { browser, data } = await signedIn();
      data.error = new ForbiddenException('Your account is locked.');
      const response = await browser.get('/members/me');
      expect([response.status, response.setCookies]).toEqual([403, []]);
      expect((await browser.post('/auth/logout')).status).toBe(403);
      delete data.error;
      expect((await browser.get('/members/me')).status).toBe(200);
    });
  });

  it('stops the boot where it is no function', async () => {
    const session = { secret: SESSION_SECRET, validate: 'users' as never };
    await expect(createApp({ adapter, options: { session } })).rejects.toMatchObject({ member: 'session.validate' });
  });
});
