import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');

const [name] = process.argv.slice(2);
const begin = process.hrtime.bigint();

await import('reflect-metadata');
const { Module } = await import('@nestjs/common');
const { NestFactory } = await import('@nestjs/core');
await import('@nestjs/platform-express');
await import('jose');
await import('undici');

const SIDES = {
  floor: async () => [],
  async ours() {
    const { OidcModule } = await import('../../dist/bundle/index.js');
    return [OidcModule.forRoot({ issuer: 'https://op.example.com', client: { client_id: 'rp1' } })];
  },
  async 'openid-client'() {
    const { Configuration } = await import('openid-client');
    return [new Configuration({ issuer: 'https://op.example.com' }, 'rp1')].slice(1);
  },
};

class AppModule {}
Module({ imports: await SIDES[name]() })(AppModule);
const app = await NestFactory.create(AppModule, { logger: false });
await app.init();
const milliseconds = Number(process.hrtime.bigint() - begin) / 1e6;
collect();
process.on('disconnect', () => process.exit(0));
process.send({ milliseconds, megabytes: process.memoryUsage().heapUsed / 2 ** 20 });
