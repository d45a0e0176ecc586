/** An end-user of the provider for development. */
export interface Account {
  readonly sub: string;
  readonly name: string;
  readonly email: string;
  readonly roles: readonly string[];
}

/** The end-users. Nobody has a password. Their roles differ, so that `@Roles` can be tried. */
export const ACCOUNTS: readonly Account[] = [
  { sub: 'alice', name: 'Alice Archer', email: 'alice@example.com', roles: ['admin', 'user'] },
  { sub: 'bob', name: 'Bob Baker', email: 'bob@example.com', roles: ['user'] },
];

export function findAccount(sub: unknown): Account | undefined {
  return ACCOUNTS.find((account) => account.sub === sub);
}
