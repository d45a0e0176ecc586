export { instrumentOidc, type OidcInstrumentationOptions } from './events/opentelemetry.js';
