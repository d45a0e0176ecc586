export { applyOidcSecurity } from './module/openapi-security.js';
