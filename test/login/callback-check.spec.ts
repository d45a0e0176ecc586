import { expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Injectable,
  Module,
  Post,
  UseGuards,
  Version,
  VERSION_NEUTRAL,
  VersioningType,
  type CanActivate,
  type INestApplication,
  type Type,
} from '@nestjs/common';
import { RouterModule } from '@nestjs/core';
import { AuthGuard } from '@nestjs/passport';

import { OidcGuard, OidcLoginGuard, OidcModule, OidcSessionGuard } from '../../lib/index.js';
import { createApp, onBothAdapters, SESSION_SECRET, type AppSetup } from '../support/app/apps.js';
import { CLIENT_SECRET, startProvider } from '../support/provider/provider.js';

@Controller('auth')
@UseGuards(OidcLoginGuard)
class AuthController {
  @Get('login') login() {}
  @Get('callback') callback() {}
}

@Controller('auth')
class LoginOnly {
  @Get('login') @UseGuards(OidcLoginGuard) login() {}
}

@Controller('auth')
class Open {
  @Get('callback') callback() {}
}

@Controller('account')
@UseGuards(OidcSessionGuard)
class Account {
  @Get() show() {}
}

const at = (path: string) => ({
  client: { redirect_uris: [`https://app.test${path}`] },
  publicUrl: 'https://app.test',
});

const controllers = (...list: readonly Type[]) => ({ controllers: list });

function versioned(type: VersioningType.HEADER | VersioningType.MEDIA_TYPE | VersioningType.URI, version?: string) {
  return {
    configure: (nest: INestApplication) => {
      const defaultVersion = version ?? VERSION_NEUTRAL;
      const own = type === VersioningType.HEADER ? { type, header: 'x-version' } : { type, key: 'v=' };
      nest.enableVersioning({ ...own, defaultVersion } as Parameters<INestApplication['enableVersioning']>[0]);
    },
  };
}

/** As a person that is signed in elsewhere. */
@Injectable()
class OwnGuard implements CanActivate {
  canActivate() {
    return true;
  }
}

/** What is warned of about routes. That sessions are in cookies alone is no matter here. */
function warningsOf({ logs }: Awaited<ReturnType<typeof createApp>>): readonly string[] {
  return logs
    .filter(({ level, message }) => level === 'warn' && !message.startsWith('Sessions are in cookies alone'))
    .map(({ message }) => message);
}

onBothAdapters((adapter) => {
  const boot = (setup: Partial<AppSetup>) => createApp({ adapter, ...setup });
  const problem = (setup: Partial<AppSetup>) =>
    boot(setup).then(
      () => 'boots',
      (error: unknown) => String(Object(error).message),
    );
  const warnings = async (setup: Partial<AppSetup>) => warningsOf(await boot(setup));

  it('stops the boot where no route answers a redirect URI, and names those that could', async () => {
    expect(await problem({ ...at('/auth/back'), ...controllers(AuthController) })).toBe(
      'client.redirect_uris: https://app.test/auth/back is answered by no route: GET /auth/back is not under OidcLoginGuard. ' +
        'These are: GET /auth/login (AuthController.login), GET /auth/callback (AuthController.callback). ' +
        'Mend the route or the URI; where a proxy cuts a prefix off, set login.callbackPath',
    );
  });

  @Controller({ path: 'auth', version: '1' })
  @UseGuards(OidcLoginGuard)
  class FirstVersion {
    @Get('callback') callback() {}
  }

  @Controller('auth')
  @UseGuards(OidcLoginGuard)
  class Versions {
    @Get('login') login() {}
    @Get('callback') @Version(['1', VERSION_NEUTRAL]) callback() {}
  }

  @Controller(['sign-in', 'auth'])
  @UseGuards(OidcLoginGuard)
  class Parameters {
    @Get(['begin', ':step']) step() {}
  }

  @Controller('auth')
  @UseGuards(OidcLoginGuard)
  class Wild {
    @Get(adapter === 'express' ? '*rest' : '*') rest() {}
  }

  @Controller('auth')
  @UseGuards(OidcLoginGuard)
  class Posted {
    @Post('callback') callback() {}
  }

  @Module({ controllers: [AuthController] })
  class AuthModule {}

  const inModule = {
    imports: [AuthModule, RouterModule.register([{ path: 'account', module: AuthModule }])],
    controllers: [],
  };

  it.each<[string, Partial<AppSetup>, boolean]>([
    ['the global prefix', { ...at('/auth/callback'), globalPrefix: 'api' }, false],
    ['the global prefix, in the URI too', { ...at('/api/auth/callback'), globalPrefix: 'api' }, true],
    [
      'a global prefix without it',
      {
        ...at('/auth/callback'),
        configure: (nest) => void nest.setGlobalPrefix('api', { exclude: ['auth/callback'] }),
      },
      true,
    ],
    ['a version in the path', { ...at('/auth/callback'), ...versioned(VersioningType.URI, '1') }, false],
    [
      'a version in the path, in the URI too',
      { ...at('/v1/auth/callback'), ...versioned(VersioningType.URI, '1') },
      true,
    ],
    [
      'a version of the class',
      { ...at('/v1/auth/callback'), ...controllers(FirstVersion), ...versioned(VersioningType.URI) },
      true,
    ],
    [
      'a version that browsers do not ask for',
      { ...at('/auth/callback'), ...controllers(FirstVersion, LoginOnly), ...versioned(VersioningType.HEADER) },
      false,
    ],
    ['a default version in a header', { ...at('/auth/callback'), ...versioned(VersioningType.HEADER, '1') }, false],
    [
      'any version in a header',
      { ...at('/auth/callback'), ...controllers(Versions), ...versioned(VersioningType.MEDIA_TYPE) },
      true,
    ],
    ['the path of a module', { ...at('/auth/callback'), ...inModule }, false],
    ['the path of a module, in the URI too', { ...at('/account/auth/callback'), ...inModule }, true],
    ['a parameter', { ...at('/auth/callback'), ...controllers(Parameters) }, true],
    ['a parameter of another path', { ...at('/auth/callback/x'), ...controllers(Parameters) }, false],
    ['a wildcard', { ...at('/auth/a/b'), ...controllers(Wild) }, true],
    ['another method', { ...at('/auth/callback'), ...controllers(Posted) }, false],
    [
      'the method of its response mode',
      { ...at('/auth/callback'), ...controllers(Posted), options: { login: { responseMode: 'form_post' } } },
      true,
    ],
    [
      'another method than its response mode',
      { ...at('/auth/callback'), ...controllers(AuthController), options: { login: { responseMode: 'form_post' } } },
      false,
    ],
    [
      'a path behind a proxy',
      { ...at('/shop/auth/callback'), options: { login: { callbackPath: '/auth/callback' } } },
      true,
    ],
    [
      'a path behind a proxy that no route has',
      { ...at('/auth/callback'), options: { login: { callbackPath: '/back' } } },
      false,
    ],
  ])('counts in %s', async (_what, setup, isAnswered) => {
    const given = setup.controllers === undefined ? controllers(AuthController) : {};
    const [uri = ''] = setup.client?.redirect_uris ?? [];
    if (isAnswered) {
      const app = await boot({ ...given, ...setup });
      const { callbackPath = new URL(uri).pathname, responseMode } = setup.options?.login ?? {};
      const method = responseMode === 'form_post' ? 'POST' : 'GET';
      const { error } = (await app.request(callbackPath, { method })).json();
      expect(error).toBe('invalid_request');
    } else {
      const found = await problem({ ...given, ...setup });
      expect(found).toContain(`client.redirect_uris: ${uri} is answered by no route: `);
    }
  });

  it('checks what logins use at each domain, and nothing else', async () => {
    const redirect_uris = ['https://a.test/auth/callback', 'https://a.test/old', 'https://b.test/auth/callback'];
    expect(await problem({ ...controllers(AuthController), client: { redirect_uris } })).toBe('boots');
    const second = { redirect_uris: [...redirect_uris, 'https://c.test/back'] };
    expect(await problem({ ...controllers(AuthController), client: second })).toMatch(
      /^client.redirect_uris: https:\/\/c/,
    );
  });

  it('counts the guards of each client for that client', async () => {
    const op = await startProvider();
    const client = { client_id: 'rp2', client_secret: CLIENT_SECRET, redirect_uris: ['https://app.test/b/callback'] };
    const second = OidcModule.forRoot({ name: 'b', issuer: op.issuer, client, session: { secret: SESSION_SECRET } });
    @Injectable()
    class Own extends OidcLoginGuard {}
    @Controller('b')
    class TenantB {
      @Get('login') @UseGuards(Own.for('b')) login() {}
      @Get('callback') @UseGuards(OidcLoginGuard) callback() {}
    }
    const setup = { ...at('/auth/callback'), op, imports: [second] };
    expect(await problem({ ...setup, ...controllers(AuthController) })).toBe('boots');
    // The route is there, and its guard is another client's.
    expect(await warnings({ ...setup, ...controllers(AuthController, TenantB) })).toEqual([
      'https://app.test/b/callback is answered by TenantB.callback, and not under OidcLoginGuard.',
    ]);
  });

  it('counts the routes that the module mounts', async () => {
    const options = { routes: { callback: '/auth/back' } } as const;
    const beside = { routes: { login: false, callback: '/auth/back' } } as const;
    expect(await warnings({ ...at('/auth/back'), ...controllers(LoginOnly), options: beside })).toEqual([]);
    expect(await problem({ ...at('/auth/callback'), controllers: [], options })).toContain(
      'GET /auth/callback is not under OidcLoginGuard. These are: GET /auth/login (OidcRoutes.login), ' +
        'GET /auth/back (OidcRoutes.callback)',
    );
  });

  it('leaves alone who has no login guard, or another one', async () => {
    @Controller('me')
    class Api {
      @Get() @UseGuards(OidcGuard) me() {}
    }
    @Controller('auth')
    class Passport {
      @Get('callback') @UseGuards(AuthGuard('oidc')) callback() {}
    }
    @Controller('auth')
    class Own {
      @Get('callback') @UseGuards(OwnGuard) callback() {}
    }
    for (const list of [[Api], [Account, Passport], [Account, Own], [LoginOnly, Passport], [LoginOnly, Own], []]) {
      const setup = { ...at('/auth/callback'), controllers: list };
      expect([list, await warnings(setup)]).toEqual([list, []]);
    }
  });

  it('warns where sessions are read and no route logs in, once for all domains', async () => {
    const redirect_uris = ['https://a.test/auth/callback', 'https://b.test/auth/callback'];
    expect(await warnings({ ...controllers(Account), client: { redirect_uris } })).toEqual([
      'OidcSessionGuard or OidcAnyGuard is in use, and no route logs in: without a session everybody gets 401. Set ' +
        'routes: true, or write a controller under OidcLoginGuard that answers GET /auth/callback.',
    ]);
    expect(await warnings({ ...controllers(Account, AuthController), ...at('/auth/callback') })).toEqual([]);
    const options = { routes: true } as const;
    expect(await warnings({ ...controllers(Account), ...at('/auth/callback'), options })).toEqual([]);
  });

  it('warns where sessions are read and the login guard was left out', async () => {
    expect(await warnings({ ...at('/auth/callback'), ...controllers(Account, Open) })).toEqual([
      'https://app.test/auth/callback is answered by Open.callback, and not under OidcLoginGuard.',
    ]);
  });

  it('warns where a route answers that has no guard', async () => {
    expect(await warnings({ ...at('/auth/callback'), ...controllers(LoginOnly, Open) })).toEqual([
      'https://app.test/auth/callback is answered by Open.callback, and not under OidcLoginGuard.',
    ]);
  });

  it('warns where something answers that is no controller', async () => {
    const mount = (nest: INestApplication) => {
      nest.getHttpAdapter().get('/auth/callback', (_request: unknown, response: unknown) => {
        nest.getHttpAdapter().reply(response, 'native');
      });
    };
    const setup = { ...at('/auth/callback'), ...controllers(LoginOnly) };
    expect(await warnings({ ...setup, configure: mount })).toEqual([
      'https://app.test/auth/callback is answered by something that is no controller, and not under OidcLoginGuard.',
    ]);
    const everything = (nest: INestApplication) => {
      nest.use((_request: unknown, _response: unknown, next: () => void) => next());
      nest.getHttpAdapter().get(adapter === 'express' ? '/*path' : '/*', (_request: unknown, response: unknown) => {
        nest.getHttpAdapter().reply(response, 'page');
      });
    };
    for (const globalPrefix of [undefined, 'api']) {
      const prefixed = globalPrefix === undefined ? setup : { ...setup, ...at('/api/auth/callback'), globalPrefix };
      expect(await problem({ ...prefixed, configure: everything })).toMatch(/is answered by no route/);
    }
  });
});

it('warns where a middleware of Express answers', async () => {
  const use = (nest: INestApplication) => {
    nest.use('/auth', (_request: unknown, _response: unknown, next: () => void) => next());
  };
  const app = await createApp({
    adapter: 'express',
    ...at('/auth/callback'),
    ...controllers(LoginOnly),
    configure: use,
  });
  expect(warningsOf(app)).toEqual([
    'https://app.test/auth/callback is answered by something that is no controller, and not under OidcLoginGuard.',
  ]);
});
