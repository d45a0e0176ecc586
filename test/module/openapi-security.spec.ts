import { Controller, Get, Param, Post, UseGuards } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { ApiResponse, DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { describe, expect, it } from '@jest/globals';

import {
  OidcAnyGuard,
  OidcGuard,
  OidcModule,
  OidcSessionGuard,
  OptionalAuth,
  Public,
  Roles,
  Scopes,
} from '../../lib/index.js';
import { applyOidcSecurity } from '../../lib/swagger.js';
import { AUDIENCE, createApp, onBothAdapters, SESSION_SECRET, type AppSetup } from '../support/app/apps.js';
import { CLIENT_SECRET, startProvider } from '../support/provider/provider.js';

@Controller('orders')
@UseGuards(OidcGuard)
@Scopes('orders:read')
class OrdersController {
  @Get(':id')
  one(@Param('id') id: string) {
    return { id };
  }

  @Post()
  @Scopes('orders:read', 'orders:write')
  @ApiResponse({ status: 403, description: 'Not on Sundays.' })
  create() {}

  @Get('prices/open')
  @Public()
  prices() {}

  @Get('prices/mine')
  @OptionalAuth()
  myPrices() {}
}

@Controller('profile')
class ProfileController {
  @Get()
  @UseGuards(OidcSessionGuard)
  me() {}

  @Post()
  @UseGuards(OidcAnyGuard)
  change() {}

  @Get('free')
  free() {}
}

async function documentOf(setup: AppSetup, builder = new DocumentBuilder()) {
  const app = await createApp({ controllers: [OrdersController, ProfileController], ...setup });
  const made = SwaggerModule.createDocument(app.nest, builder.setTitle('Orders').build());
  return { app, document: await applyOidcSecurity(made, app.nest) };
}

/** Of each operation what it requires, and which answers it has. */
function operations({ paths }: OpenAPIObject) {
  return Object.fromEntries(
    Object.entries(paths).flatMap(([path, item]) =>
      (['get', 'post'] as const).flatMap((method) => {
        const operation = item[method];
        return operation === undefined
          ? []
          : [[`${method} ${path}`, { security: operation.security, responses: operation.responses }] as const];
      }),
    ),
  );
}

const UNAUTHORIZED = { $ref: '#/components/responses/OidcUnauthorized' };
const FORBIDDEN = { $ref: '#/components/responses/OidcForbidden' };
const UNAVAILABLE = { $ref: '#/components/responses/OidcUnavailable' };

onBothAdapters((adapter) => {
  it('leaves out the routes that the module mounts, also where nothing is applied', async () => {
    const routes = { proxy: [{ path: '/api', to: 'https://api.example.com' }] };
    const session = { secret: SESSION_SECRET, tokens: true };
    const app = await createApp({ adapter, controllers: [ProfileController], options: { routes, session } });
    expect((await app.get('/auth/me')).status).toBe(401);
    const made = SwaggerModule.createDocument(app.nest, new DocumentBuilder().build());
    expect(Object.keys(made.paths)).toEqual(['/profile', '/profile/free']);
    expect(Object.keys((await applyOidcSecurity(made, app.nest)).paths)).toEqual(['/profile', '/profile/free']);
  });

  it('documents guards, scopes and refusals', async () => {
    const { app, document } = await documentOf({ adapter, globalPrefix: 'api' });
    expect(operations(document)).toEqual({
      'get /api/orders/{id}': {
        security: [{ oidc: ['orders:read'] }],
        responses: { 200: { description: '' }, 401: UNAUTHORIZED, 403: FORBIDDEN, 503: UNAVAILABLE },
      },
      'post /api/orders': {
        security: [{ oidc: ['orders:read', 'orders:write'] }],
        responses: {
          401: UNAUTHORIZED,
          403: { description: 'Not on Sundays.' },
          503: UNAVAILABLE,
        },
      },
      'get /api/orders/prices/open': { security: undefined, responses: { 200: { description: '' } } },
      'get /api/orders/prices/mine': {
        security: [{ oidc: [] }, {}],
        responses: { 200: { description: '' }, 401: UNAUTHORIZED, 503: UNAVAILABLE },
      },
      'get /api/profile': {
        security: [{ session: [] }],
        responses: { 200: { description: '' }, 401: UNAUTHORIZED, 503: UNAVAILABLE },
      },
      'post /api/profile': {
        security: [{ oidc: [] }, { session: [] }],
        responses: { 201: { description: '' }, 401: UNAUTHORIZED, 403: FORBIDDEN, 503: UNAVAILABLE },
      },
      'get /api/profile/free': { security: undefined, responses: { 200: { description: '' } } },
    });
    expect(document.components).toEqual({
      schemas: {
        OidcError: {
          type: 'object',
          required: ['error', 'error_description'],
          properties: {
            error: { type: 'string', description: 'For programs, such as `invalid_token`.' },
            error_description: { type: 'string', description: 'One sentence for people.' },
          },
        },
      },
      responses: {
        OidcUnauthorized: {
          description: 'Credentials are missing, or not valid here.',
          headers: {
            'WWW-Authenticate': { description: 'A challenge of each accepted scheme.', schema: { type: 'string' } },
          },
          content: {
            'application/json': {
              schema: { $ref: '#/components/schemas/OidcError' },
              example: { error: 'invalid_token', error_description: 'The access token is not valid here.' },
            },
          },
        },
        OidcForbidden: {
          description: 'A scope or a role that is required is missing.',
          content: {
            'application/json': {
              schema: { $ref: '#/components/schemas/OidcError' },
              example: {
                error: 'insufficient_scope',
                error_description: 'The access token was not granted the scope that is required.',
              },
            },
          },
        },
        OidcUnavailable: {
          description: 'The credentials can not be checked at the moment.',
          headers: {
            'Retry-After': { description: 'Seconds after which to call again.', schema: { type: 'integer' } },
          },
          content: {
            'application/json': {
              schema: { $ref: '#/components/schemas/OidcError' },
              example: {
                error: 'temporarily_unavailable',
                error_description: 'The access token can not be checked at the moment.',
              },
            },
          },
        },
      },
      securitySchemes: {
        oidc: {
          type: 'oauth2',
          flows: {
            authorizationCode: {
              authorizationUrl: `${app.op.issuer}/authorize`,
              tokenUrl: `${app.op.issuer}/token`,
              scopes: { 'orders:read': '', 'orders:write': '' },
            },
            clientCredentials: {
              tokenUrl: `${app.op.issuer}/token`,
              scopes: { 'orders:read': '', 'orders:write': '' },
            },
          },
        },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: 'oidc-session',
          description: 'The session of a browser that has signed in.',
        },
      },
    });
  });
});

describe('an OpenAPI document', () => {
  it('names the metadata where the server is down', async () => {
    const op = await startProvider();
    op.answer('discovery', { status: 503 });
    const { document } = await documentOf({ adapter: 'express', op });
    expect(document.components?.securitySchemes?.['oidc']).toEqual({
      type: 'openIdConnect',
      openIdConnectUrl: `${op.issuer}/.well-known/openid-configuration`,
    });
  });

  it('names the metadata at the issuer, not where we read them', async () => {
    const op = await startProvider();
    op.answer('discovery', { status: 503 });
    const discovery = { url: `${op.issuer}/internal/.well-known?apikey=SECRET` };
    const { document } = await documentOf({ adapter: 'express', op, options: { discovery } });
    expect(document.components?.securitySchemes?.['oidc']).toEqual({
      type: 'openIdConnect',
      openIdConnectUrl: `${op.issuer}/.well-known/openid-configuration`,
    });
  });

  it('takes a requirement of all routes away from public ones', async () => {
    const { document } = await documentOf(
      { adapter: 'express' },
      new DocumentBuilder().addBearerAuth().addSecurityRequirements('bearer'),
    );
    expect(operations(document)['get /orders/prices/open']?.security).toEqual([]);
    expect(operations(document)['get /profile/free']?.security).toBeUndefined();
  });

  it('has what global guards and guards of named clients require', async () => {
    @Controller('partners')
    class PartnersController {
      @Get()
      @UseGuards(OidcGuard.for('partners'))
      @Roles('clerk')
      list() {}

      @Get('open')
      @Public()
      open() {}
    }
    const { document } = await documentOf({
      adapter: 'express',
      controllers: [PartnersController],
      providers: [{ provide: APP_GUARD, useClass: OidcGuard }],
      imports: [
        OidcModule.forRoot({
          name: 'partners',
          issuer: (await startProvider()).issuer,
          client: { client_id: 'p1', client_secret: CLIENT_SECRET },
          session: { secret: SESSION_SECRET },
          resourceServer: { audience: AUDIENCE },
        }),
      ],
    });
    expect(operations(document)).toEqual({
      'get /partners': {
        security: [{ 'oidc-partners': [], oidc: [] }],
        responses: { 200: { description: '' }, 401: UNAUTHORIZED, 403: FORBIDDEN, 503: UNAVAILABLE },
      },
      'get /partners/open': { security: undefined, responses: { 200: { description: '' } } },
    });
    expect(Object.keys(document.components?.securitySchemes ?? {})).toEqual(['oidc-partners', 'oidc']);
  });

  it('stays as it is where nothing is guarded', async () => {
    @Controller('free')
    class FreeController {
      @Get()
      free() {}
    }
    const { document } = await documentOf({ adapter: 'express', controllers: [FreeController] });
    expect(document.components).toEqual({ schemas: {} });
  });
});
