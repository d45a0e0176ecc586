import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

/** Boots the application as its own `node` would, and sees that both guards answer. */
async function boot(): Promise<void> {
  const app = await NestFactory.create(AppModule, { logger: ['warn', 'error'] });
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  const orders = await fetch(`${url}/orders`);
  const login = await fetch(`${url}/auth/login`, { redirect: 'manual' });
  await app.close();
  const answers = [orders.status, orders.headers.get('www-authenticate'), login.status, issuerOf(login)];
  console.log(answers.join(' '));
  const expected = '401 Bearer realm="https://api.example.com" 303 https://op.example.com';
  if (answers.join(' ') !== expected) process.exitCode = 1;
}

function issuerOf(login: Response): string {
  return new URL(login.headers.get('location') ?? 'none:').origin;
}

void boot();
