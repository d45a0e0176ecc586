import { SetMetadata } from '@nestjs/common';

/** The metadata of `@ApiExcludeController()`. It is written by its key, because `@nestjs/swagger` may not be installed. */
const EXCLUDE_CONTROLLER = 'swagger/apiExcludeController';

/**
 * Class decorator that leaves a controller out of OpenAPI documents. Routes that a guard answers by redirects look there like
 * handlers that return nothing.
 */
export function Undocumented(): ClassDecorator {
  return SetMetadata(EXCLUDE_CONTROLLER, [true]);
}
