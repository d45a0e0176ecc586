export { TestProvider } from './testing/test-provider.js';
export type {
  TestAccessToken,
  TestEndpoint,
  TestFault,
  TestModuleOptions,
  TestProviderOptions,
  TestUser,
} from './testing/test-provider.options.js';
export type { SignInOptions } from './testing/sign-in.js';
export type { TestCertificate } from './testing/test-certificate.js';
export { TestClock, type TestDuration } from './testing/test-clock.js';
export { TestDpopKey, type TestDpopRequest } from './testing/test-dpop-key.js';
export { verifiedAccessToken } from './testing/verified-access-token.js';
