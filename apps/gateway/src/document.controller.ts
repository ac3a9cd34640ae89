import { Controller, Get, Header } from '@nestjs/common';
import { docsPage, docsPolicy } from './docs-page.js';
import { Public } from './endpoint.js';
import { Metrics } from './metrics.js';
import { openApi } from './openapi.js';
import { RouteTable } from './route-table.js';

/** What is known of the API and of this process, for machines and for people. */
@Public()
@Controller()
export class DocumentController {
  private document: object | undefined;

  constructor(
    private readonly routes: RouteTable,
    private readonly metrics: Metrics,
  ) {}

  /** Made at the first question: only then all routes are there. */
  @Get('openapi.json')
  @Header('access-control-allow-origin', '*')
  openapi(): object {
    return (this.document ??= openApi(this.routes.endpoints));
  }

  @Get('docs')
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', docsPolicy)
  docs(): string {
    return docsPage(this.openapi());
  }

  @Get('metrics')
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  metricsText(): Promise<string> {
    return this.metrics.registry.metrics();
  }
}
