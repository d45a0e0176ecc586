export { OidcHealthIndicator } from './module/oidc-health.indicator.js';
