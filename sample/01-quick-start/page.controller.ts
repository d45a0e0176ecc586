import { Controller, Get, NotFoundException, Param, Res, StreamableFile, UseGuards } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { CurrentUser, OidcSessionGuard, OidcUser, Public } from 'nestjs-oidc';
import { assets, pageHeaders } from './layout.js';
import { page } from './page.js';
import { issuer } from './settings.js';

@Controller()
export class PageController {
  constructor(private readonly host: HttpAdapterHost) {}

  /** Under `@Public` the guard refuses nobody: it only says who is there. */
  @Get()
  @UseGuards(OidcSessionGuard)
  @Public()
  show(@CurrentUser() user: OidcUser | undefined, @Res({ passthrough: true }) response: unknown): string {
    for (const [name, value] of Object.entries(pageHeaders(issuer))) {
      this.host.httpAdapter.setHeader(response, name, value);
    }
    return page(user);
  }

  @Get('assets/:name')
  asset(@Param('name') name: string): StreamableFile {
    const asset = assets.get(name);
    if (!asset) {
      throw new NotFoundException();
    }
    return new StreamableFile(asset.body, { type: asset.type });
  }
}
