// nestjs/terminus#461, Pop-Code/nestjs-console#153: modules that need an HTTP server, in a process that has none.
// Workers, cron jobs and command lines boot the application's module with `createApplicationContext`, microservices with
// `createMicroservice`. With `resourceServer.resource` (which DPoP needs) that ended in `Invalid value used as weak map
// key`: where there is no adapter Nest says null, not undefined. Right: nothing is served, and it boots.
import { expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Transport } from '@nestjs/microservices';

import { OidcClient, OidcModule } from '../../lib/index.js';
import { closeLater } from '../support/closing.js';
import { freePort } from '../support/ports.js';

@Module({
  imports: [
    OidcModule.forRoot({
      issuer: 'https://op.test',
      client: { client_id: 'api', client_secret: 'a secret' },
      resourceServer: { audience: 'https://api.test', resource: 'https://api.test' },
    }),
  ],
})
class App {}

it('boots where there is no HTTP server', async () => {
  const context = closeLater(await NestFactory.createApplicationContext(App, { logger: false, abortOnError: false }));
  expect(context.get(OidcClient).issuer).toBe('https://op.test');
});

it('boots as a microservice', async () => {
  const options = { host: '127.0.0.1', port: await freePort() };
  const settings = { transport: Transport.TCP, options, logger: false, abortOnError: false } as const;
  const microservice = closeLater(await NestFactory.createMicroservice(App, settings));
  await microservice.listen();
  expect(microservice.get(OidcClient).issuer).toBe('https://op.test');
});
