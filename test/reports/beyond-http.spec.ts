// nestjs/nest#4112 and #4261 (hybrid applications), nestjs/nest#8060 and #11461 (gateways).
// APP_GUARD does not reach message handlers of a hybrid application unless `inheritAppConfig` is set; on Nest 11 it
// reaches no gateway either. The boot check took the global guard for enough: `@Scopes` stood there and nobody looked.
// Right: the boot stops, or the call is refused.
import { expect, it } from '@jest/globals';
import { Controller, Module } from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import { ClientProxyFactory, MessagePattern, Transport } from '@nestjs/microservices';
import { firstValueFrom, timeout } from 'rxjs';

import { OidcGuard, OidcModule, Scopes } from '../../lib/index.js';
import { closeLater } from '../support/closing.js';
import { freePort } from '../support/ports.js';

@Controller()
class Jobs {
  @MessagePattern('wipe')
  @Scopes('orders:write')
  wipe() {
    return 'wiped';
  }
}

@Module({
  imports: [
    OidcModule.forRoot({
      issuer: 'https://op.test',
      client: { client_id: 'api', client_secret: 'a secret' },
      resourceServer: { audience: 'https://api.test' },
    }),
  ],
  controllers: [Jobs],
  providers: [{ provide: APP_GUARD, useClass: OidcGuard }],
})
class App {}

it('asks a token of a message whose handler asks for scopes, or does not boot', async () => {
  const nest = closeLater(await NestFactory.create(App, { logger: false, abortOnError: false }));
  const address = { host: '127.0.0.1', port: await freePort() };
  nest.connectMicroservice({ transport: Transport.TCP, options: address });
  const answer = async () => {
    await nest.startAllMicroservices();
    await nest.listen(0, '127.0.0.1');
    const client = closeLater(ClientProxyFactory.create({ transport: Transport.TCP, options: address }));
    return firstValueFrom(client.send('wipe', {}).pipe(timeout(2000)));
  };
  await expect(answer()).rejects.toBeDefined();
});
