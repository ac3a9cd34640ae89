import { Controller, Get, Header } from '@nestjs/common';
import { Public } from '../endpoint.js';
import { ResultSigner } from './result-signer.js';

/** Where an app finds the key that signed a result. */
@Controller('.well-known')
@Public()
export class JwksController {
  constructor(private readonly signer: ResultSigner) {}

  @Get('jwks.json')
  @Header('content-type', 'application/json')
  @Header('cache-control', 'public, max-age=300')
  @Header('access-control-allow-origin', '*')
  keys() {
    return this.signer.jwks();
  }
}
