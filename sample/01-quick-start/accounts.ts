import { createHash } from 'node:crypto';

/** An account of the demo provider, which lets anybody in under any name. */
export interface Account {
  readonly sub: string;
  readonly name: string;
  readonly email: string;
}

const accounts = new Map<string, Account>();

/** The same name is the same account; its `sub` says nothing about the person, as it should be. */
export function signIn(name: string): Account {
  const login = name.trim().toLowerCase();
  const sub = createHash('sha256').update(login).digest('base64url').slice(0, 16);
  const mailbox = login.replace(/[^a-z0-9]+/g, '.').replace(/^\.|\.$/g, '') || 'someone';
  const account = { sub, name: name.trim(), email: `${mailbox}@example.com` };
  accounts.set(sub, account);
  return account;
}

export function findAccount(sub: string): Account | undefined {
  return accounts.get(sub);
}
