import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { Controller, Get, type INestApplication } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { Test } from '@nestjs/testing';
import { OIDC_DISPATCHER, Public } from 'nestjs-oidc';
import { applyOidcSecurity } from 'nestjs-oidc/swagger';
import { OidcHealthIndicator } from 'nestjs-oidc/terminus';
import { MockAgent } from 'undici';
import { AppModule } from './app.module.js';

@Controller('health')
class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly oidc: OidcHealthIndicator,
  ) {}

  @Get()
  @Public()
  @HealthCheck()
  check() {
    return this.health.check([() => this.oidc.isHealthy('oidc')]);
  }
}

/** The major version of a package that this application has installed. */
function majorOf(name: string): number {
  return Number.parseInt(JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8')).version, 10);
}

/** @param keys the status with which the provider answers when its keys are fetched */
async function start(adapter: 'express' | 'fastify', keys: number): Promise<INestApplication> {
  const provider = new MockAgent();
  provider.disableNetConnect();
  provider
    .get('https://op.example.com')
    .intercept({ path: '/jwks' })
    .reply(keys, { keys: [] }, { headers: { 'content-type': 'application/json' } })
    .persist();
  const module = await Test.createTestingModule({
    imports: [AppModule, TerminusModule.forRoot({ logger: false })],
    controllers: [HealthController],
    providers: [OidcHealthIndicator],
  })
    .overrideProvider(OIDC_DISPATCHER)
    .useValue(provider)
    .compile();
  const app =
    adapter === 'express' ? module.createNestApplication() : module.createNestApplication(new FastifyAdapter());
  await app.listen(0, '127.0.0.1');
  return app;
}

async function healthOf(app: INestApplication): Promise<unknown> {
  const response = await fetch(`${await app.getUrl()}/health`);
  const { status, details } = Object(await response.json());
  return { code: response.status, status, oidc: details.oidc };
}

describe.each(['express', 'fastify'] as const)('on %s', (adapter) => {
  it('tells its health', async () => {
    const app = await start(adapter, 200);
    const health = await healthOf(app);
    await app.close();
    expect(health).toEqual({
      code: 200,
      status: 'ok',
      oidc: {
        status: 'up',
        issuer: 'https://op.example.com',
        provider: 'reachable',
        keys: 'fetched',
        circuit: 'closed',
      },
    });
  });

  it('tells what still serves, in the words of its Terminus', async () => {
    const app = await start(adapter, 500);
    const health = await healthOf(app);
    await app.close();
    const told = {
      issuer: 'https://op.example.com',
      provider: 'reachable',
      keys: 'missing',
      circuit: 'closed',
      codes: { keys: 'UPSTREAM_ERROR' },
      serves: ['sessions', 'introspection'],
    };
    expect(health).toEqual(
      majorOf('@nestjs/terminus') === 11
        ? { code: 200, status: 'ok', oidc: { status: 'up', degraded: true, ...told } }
        : { code: 200, status: 'degraded', oidc: { status: 'degraded', ...told } },
    );
  });

  it('documents what its guards require', async () => {
    const app = await start(adapter, 200);
    const document = SwaggerModule.createDocument(app, new DocumentBuilder().setTitle('Orders').build());
    await applyOidcSecurity(document, app);
    await app.close();
    const { paths, components } = document;
    expect(paths['/orders']?.get).toMatchObject({
      security: [{ oidc: ['orders:read'] }],
      responses: {
        401: { $ref: '#/components/responses/OidcUnauthorized' },
        403: { $ref: '#/components/responses/OidcForbidden' },
        503: { $ref: '#/components/responses/OidcUnavailable' },
      },
    });
    expect(paths['/account']?.get?.security).toEqual([{ session: [] }]);
    expect(paths['/health']?.get?.security).toBeUndefined();
    expect(components?.securitySchemes).toEqual({
      oidc: {
        type: 'oauth2',
        flows: {
          authorizationCode: {
            authorizationUrl: 'https://op.example.com/auth',
            tokenUrl: 'https://op.example.com/token',
            scopes: { 'orders:read': '' },
          },
        },
      },
      session: {
        type: 'apiKey',
        in: 'cookie',
        name: 'oidc-session',
        description: 'The session of a browser that has signed in.',
      },
    });
  });
});
