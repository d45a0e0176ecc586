import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { createProvider, listen } from './provider.js';
import { ports, resource } from './settings.js';

/** Starts provider and API. */
export async function start(): Promise<{ stop(): Promise<void> }> {
  const provider = await listen(createProvider());
  const api = await NestFactory.create(AppModule, { logger: ['warn', 'error'], forceCloseConnections: true });
  await api.listen(ports.api, new URL(resource).hostname);
  return {
    async stop() {
      await api.close();
      provider.close();
      provider.closeAllConnections();
    },
  };
}
