import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { OIDC_OPTIONS } from 'nestjs-oidc';
import { TestProvider } from 'nestjs-oidc/testing';
import { AppModule } from './app.module.js';

/** The application of a test, at a provider of its own. */
export interface Kit {
  readonly provider: TestProvider;
  readonly app: INestApplication;
  /** The status and the body of a GET. */
  get(path: string, headers?: Record<string, string>): Promise<[status: number, body: unknown]>;
  close(): Promise<void>;
}

/** The application as it is in production, but for the provider. */
export async function startKit(): Promise<Kit> {
  const provider = await TestProvider.start();
  const module = await Test.createTestingModule({ imports: [AppModule] })
    .overrideProvider(OIDC_OPTIONS)
    .useFactory(provider.optionsFactory())
    .compile();
  const app = module.createNestApplication();
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  return {
    provider,
    app,
    get: async (path, headers = {}) => {
      const response = await fetch(url + path, { headers });
      return [response.status, await response.json()];
    },
    close: async () => {
      await app.close();
      await provider.close();
    },
  };
}
