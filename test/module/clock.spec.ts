import { ConsoleLogger, Injectable, Module, Scope, type DynamicModule, type Provider } from '@nestjs/common';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import { describe, expect, it } from '@jest/globals';

import {
  clockSkew,
  clockTolerance,
  OIDC_CLOCK,
  OIDC_CLOCK_SKEW,
  OIDC_CLOCK_TOLERANCE,
  OidcClient,
  OidcModule,
  type ClientMetadata,
  type OidcModuleExtras,
} from '../../lib/index.js';

const quiet = new ConsoleLogger({ logLevels: [] });

const issuer = 'https://op.test';

/** 2027-01-15T08:00:00Z in milliseconds. */
const T = 1_800_000_000_000;

const clock = (milliseconds: number): Provider => ({ provide: OIDC_CLOCK, useValue: () => milliseconds });
const skew = (seconds: unknown): Provider => ({ provide: OIDC_CLOCK_SKEW, useValue: seconds });
const tolerance = (seconds: unknown): Provider => ({ provide: OIDC_CLOCK_TOLERANCE, useValue: seconds });

function oidc(extras: OidcModuleExtras = {}, client: Partial<ClientMetadata> = {}): DynamicModule {
  return OidcModule.forRoot({ issuer, client: { client_id: 'rp1', ...client }, ...extras });
}

function moduleWith(...providers: Provider[]): DynamicModule {
  @Module({})
  class ClockModule {}
  return { module: ClockModule, providers, exports: providers.map((provider) => Reflect.get(provider, 'provide')) };
}

async function clientOf(builder: TestingModuleBuilder): Promise<OidcClient> {
  const app = await builder.setLogger(quiet).compile();
  await app.init();
  try {
    return app.get(OidcClient);
  } finally {
    await app.close();
  }
}

const boot = (...imports: DynamicModule[]) => clientOf(Test.createTestingModule({ imports }));

describe('the clock', () => {
  it('is Date.now without skew and with a tolerance of 30 seconds when nobody provides one', async () => {
    const client = await boot(oidc());
    expect(client.clock.now).toBe(Date.now);
    expect(client.clock.skew).toBe(0);
    expect(client.clock.tolerance).toBe(30);
  });

  it('comes from the providers of forRoot', async () => {
    const client = await boot(oidc({ providers: [clock(T), skew(-10), tolerance(5)] }));
    expect(client.clock.seconds()).toBe(1_799_999_990);
    expect(client.clock.tolerance).toBe(5);
  });

  it('comes from the providers of forRootAsync, also from an asynchronous factory', async () => {
    const client = await boot(
      OidcModule.forRootAsync({
        useFactory: async () => ({ issuer, client: { client_id: 'rp1' } }),
        providers: [{ provide: OIDC_CLOCK_SKEW, useFactory: async () => -7 }, tolerance(0)],
      }),
    );
    expect(client.clock.skew).toBe(-7);
    expect(client.clock.tolerance).toBe(0);
  });

  it('comes from a module in imports that exports it', async () => {
    const client = await boot(oidc({ imports: [moduleWith(clock(T), skew(1), tolerance(2))] }));
    expect(client.clock.now()).toBe(T);
    expect(client.clock.skew).toBe(1);
    expect(client.clock.tolerance).toBe(2);
  });

  it.each(['before', 'after'] as const)('comes from a global module that is imported %s', async (order) => {
    const global = { ...moduleWith(clock(T), skew(3), tolerance(4)), global: true };
    const client = await boot(...(order === 'before' ? [global, oidc()] : [oidc(), global]));
    expect(client.clock.now()).toBe(T);
    expect(client.clock.skew).toBe(3);
    expect(client.clock.tolerance).toBe(4);
  });

  it('takes the client metadata before providers, providers before imports, imports before a global module', async () => {
    const global = { ...moduleWith(clock(T), skew(1), tolerance(1)), global: true };
    const imports = [moduleWith(skew(2), tolerance(2))];
    const providers = [tolerance(3)];
    const imported = await boot(global, oidc({ imports, providers }));
    expect([imported.clock.now(), imported.clock.skew, imported.clock.tolerance]).toEqual([T, 2, 3]);
    const registered = await boot(global, oidc({ imports, providers }, { [clockSkew]: 8, [clockTolerance]: 9 }));
    expect([registered.clock.now(), registered.clock.skew, registered.clock.tolerance]).toEqual([T, 8, 9]);
  });

  it('can be overridden in a test where nobody declares it', async () => {
    const client = await clientOf(
      Test.createTestingModule({ imports: [oidc()] })
        .overrideProvider(OIDC_CLOCK)
        .useValue(() => T)
        .overrideProvider(OIDC_CLOCK_SKEW)
        .useValue(11)
        .overrideProvider(OIDC_CLOCK_TOLERANCE)
        .useValue(12),
    );
    expect([client.clock.now(), client.clock.skew, client.clock.tolerance]).toEqual([T, 11, 12]);
  });

  it('can be overridden in a test where the application declares it', async () => {
    const client = await clientOf(
      Test.createTestingModule({ imports: [oidc({ providers: [clock(1), skew(1), tolerance(1)] })] })
        .overrideProvider(OIDC_CLOCK)
        .useValue(() => T)
        .overrideProvider(OIDC_CLOCK_SKEW)
        .useValue(11)
        .overrideProvider(OIDC_CLOCK_TOLERANCE)
        .useValue(12),
    );
    expect([client.clock.now(), client.clock.skew, client.clock.tolerance]).toEqual([T, 11, 12]);
  });

  it.each([-1, Number.NaN, '30', 10_000, null])(
    'CLOCK-05 refuses a tolerance of %p, by provider and by client',
    async (value) => {
      const expected = { name: 'ConfigError', code: 'INVALID_CONFIG' };
      await expect(boot(oidc({ providers: [tolerance(value)] }))).rejects.toMatchObject({
        ...expected,
        member: 'OIDC_CLOCK_TOLERANCE',
      });
      const client = { [clockTolerance]: value } as Partial<ClientMetadata>;
      await expect(boot(oidc({}, client))).rejects.toMatchObject({ ...expected, member: 'client[clockTolerance]' });
    },
  );

  it.each([Number.NaN, Number.POSITIVE_INFINITY, '0'])('CLOCK-05 refuses a skew of %p', async (value) => {
    await expect(boot(oidc({ providers: [skew(value)] }))).rejects.toMatchObject({
      name: 'ConfigError',
      member: 'OIDC_CLOCK_SKEW',
    });
  });

  it('NEST-16 refuses a clock that exists only within a request', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Skew {}
    const providers: Provider[] = [
      Skew,
      { provide: OIDC_CLOCK_SKEW, scope: Scope.REQUEST, inject: [Skew], useFactory: () => 0 },
    ];
    await expect(boot(oidc({ providers }))).rejects.toMatchObject({ name: 'ConfigError', member: 'providers' });
  });
});
