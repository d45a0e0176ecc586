import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { createProvider, listen } from './provider.js';
import { apiUrl, ports, startsProvider } from './settings.js';

/**
 * Starts the API, and the provider unless another process has it.
 *
 * @param onIntrospection is told of each question that the provider is asked
 */
export async function start(onIntrospection: () => void = () => {}): Promise<{ stop(): Promise<void> }> {
  const provider = startsProvider ? await listen(createProvider(onIntrospection)) : undefined;
  const api = await NestFactory.create(AppModule, { logger: ['warn', 'error'], forceCloseConnections: true });
  await api.listen(ports.api, new URL(apiUrl).hostname);
  return {
    async stop() {
      await api.close();
      provider?.close();
      provider?.closeAllConnections();
    },
  };
}
