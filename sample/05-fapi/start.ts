import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { createProvider, listen, type Call } from './provider.js';
import { appUrl, ports } from './settings.js';

/**
 * Starts the provider and the application, which checks the provider while it boots.
 *
 * @param onCall is told of each call of a login that comes to the provider
 */
export async function start(onCall: (call: Call) => void = () => {}): Promise<{ stop(): Promise<void> }> {
  const provider = await listen(await createProvider(onCall));
  const app = await NestFactory.create(AppModule, { logger: ['warn', 'error'], forceCloseConnections: true });
  await app.listen(ports.app, new URL(appUrl).hostname);
  return {
    async stop() {
      await app.close();
      provider.close();
      provider.closeAllConnections();
    },
  };
}
