import { Controller, Get, HttpException, Req, UseGuards } from '@nestjs/common';
import { OidcSession, OidcSessionGuard } from 'nestjs-oidc';
import { appUrl } from './settings.js';

/** What the page's button calls. The browser shows its cookie; the access token never leaves the server. */
@Controller('orders')
@UseGuards(OidcSessionGuard)
export class OrdersController {
  constructor(private readonly session: OidcSession) {}

  @Get()
  async list(@Req() request: object): Promise<unknown> {
    const session = await this.session.read(request);
    const token = session?.tokens.access_token;
    const response = await fetch(`${appUrl}/api/orders`, { headers: { authorization: `Bearer ${token}` } });
    const body: unknown = await response.json();
    if (!response.ok) {
      throw new HttpException({ error: 'The API refused', answer: body }, response.status);
    }
    return body;
  }
}
