import type { Page } from 'playwright-core';

/** Signs in at the page of `oidc-provider`, consents at its next one, and comes back to the application. */
export async function signIn(page: Page, name: string): Promise<void> {
  const login = page.locator('[name=login]');
  await login.fill(name);
  const provider = new URL(page.url()).origin;
  await page.locator('[name=password]').fill('any');
  await page.locator('[type=submit]').click();
  await login.waitFor({ state: 'detached' });
  await page.locator('[type=submit]').click();
  await page.waitForURL(({ origin }) => origin !== provider);
}
