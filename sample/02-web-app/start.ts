import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { createProvider, listen } from './provider.js';
import { ownUrl, ports, startsProvider } from './settings.js';

/** Starts the application, and the provider unless another process has it. */
export async function start(): Promise<{ stop(): Promise<void> }> {
  const provider = startsProvider ? await listen(createProvider()) : undefined;
  const app = await NestFactory.create(AppModule, { logger: ['warn', 'error'], forceCloseConnections: true });
  await app.listen(ports.app, new URL(ownUrl).hostname);
  return {
    async stop() {
      await app.close();
      provider?.close();
      provider?.closeAllConnections();
    },
  };
}
