import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { Inject, Injectable, Scope, type CanActivate, type Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';

import { ConfigError, OidcGuard, OidcLoginGuard, OidcSessionGuard } from '../../lib/index.js';
import { namedGuard } from '../../lib/nest/named-guard.js';

@Injectable()
class Guard implements CanActivate {
  @Inject('clock') readonly clock: unknown;

  constructor(
    @Inject('server') readonly server: unknown,
    @Inject('platform') readonly platform: unknown,
  ) {}

  canActivate() {
    return true;
  }
}

@Injectable()
class Tenant extends Guard {
  @Inject('users') readonly users: unknown;

  override canActivate() {
    return false;
  }
}

const serverOf = (name?: string) => `server/${name}`;

const injected = async (guard: Type<Guard>) => {
  const values = ['server', 'server/a', 'server/b', 'platform', 'clock', 'users'];
  const module = await Test.createTestingModule({
    providers: [guard, ...values.map((value) => ({ provide: value, useValue: value }))],
  }).compile();
  return { ...module.get(guard) };
};

describe('namedGuard', () => {
  it('injects what is of the name, and all else as it was', async () => {
    expect(await injected(namedGuard(Guard, serverOf, 'a'))).toEqual({
      server: 'server/a',
      platform: 'platform',
      clock: 'clock',
    });
    expect(await injected(Guard)).toMatchObject({ server: 'server' });
  });

  it('is a subclass of the guard that it was asked of', async () => {
    const named = namedGuard(Tenant, serverOf, 'a');
    expect(named.prototype).toBeInstanceOf(Tenant);
    expect(named.prototype.canActivate()).toBe(false);
    expect(await injected(named)).toEqual({
      server: 'server/a',
      platform: 'platform',
      clock: 'clock',
      users: 'users',
    });
  });

  it('can be extended, and named anew', async () => {
    @Injectable()
    class Extended extends namedGuard(Tenant, serverOf, 'a') {
      override canActivate() {
        return true;
      }
    }
    expect(await injected(Extended)).toMatchObject({ server: 'server/a', users: 'users' });
    expect(await injected(namedGuard(Extended, serverOf, 'b'))).toMatchObject({ server: 'server/b', users: 'users' });
  });

  it('is one class for each guard and name', () => {
    expect(namedGuard(Guard, serverOf, 'a')).toBe(namedGuard(Guard, serverOf, 'a'));
    expect(namedGuard(Guard, serverOf, 'a')).not.toBe(namedGuard(Guard, serverOf, 'b'));
    expect(namedGuard(Guard, serverOf, 'a')).not.toBe(namedGuard(Tenant, serverOf, 'a'));
  });

  it('is called as the guard is, where Nest complains, and lives as long', () => {
    @Injectable({ scope: Scope.REQUEST })
    class PerRequest extends Guard {}
    const named = namedGuard(PerRequest, serverOf, 'a');
    expect(named.name).toBe('PerRequest');
    expect(Reflect.getMetadata('scope:options', named)).toEqual({ scope: Scope.REQUEST });
  });
});

class OwnGuard extends OidcGuard {}
class OwnLoginGuard extends OidcLoginGuard {}
class OwnSessionGuard extends OidcSessionGuard {}

it.each<[{ for(name: string): Type }, Type & { for(name: string): Type }]>([
  [OidcGuard, OwnGuard],
  [OidcLoginGuard, OwnLoginGuard],
  [OidcSessionGuard, OwnSessionGuard],
])('NEST-15 %p.for of a subclass keeps what it overrides', (guard, own) => {
  expect(own.for('partners').prototype).toBeInstanceOf(own);
  expect(own.for('partners')).toBe(own.for('partners'));
  expect(own.for('partners')).not.toBe(guard.for('partners'));
});

it('says which client a wrong configuration is of', () => {
  class Unconfigured extends Guard {
    constructor() {
      super(undefined, undefined);
      throw new ConfigError('INVALID_CONFIG', 'resourceServer.audience', 'is required by OidcGuard');
    }
  }
  const Named = namedGuard(Unconfigured, serverOf, 'partners');
  expect(() => new Named()).toThrow('resourceServer.audience: is required by OidcGuard (client "partners")');
  const Default = namedGuard(Unconfigured, serverOf, undefined);
  expect(() => new Default()).toThrow(/by OidcGuard$/);
});
