import { Module } from '@nestjs/common';
import { AssetsController } from './assets.controller.js';
import { JwksController } from './jwks.controller.js';
import { LinkActionsController } from './link-actions.controller.js';
import { LinkController } from './link.controller.js';
import { openResultKey } from './result-key.js';
import { ResultSigner } from './result-signer.js';
import { PAGES_SETTINGS, type PagesSettings, readPagesSettings } from './settings.js';
import { TokenSealer } from './token-sealer.js';
import { Visits } from './visits.service.js';

const signer = {
  provide: ResultSigner,
  inject: [PAGES_SETTINGS],
  useFactory: (settings: PagesSettings) => ResultSigner.with(openResultKey(settings)),
};

/** The hosted link page. `Bus` and `CONFIG` come from the gateway's own module, which is global. */
@Module({
  controllers: [LinkController, LinkActionsController, AssetsController, JwksController],
  providers: [{ provide: PAGES_SETTINGS, useFactory: readPagesSettings }, signer, TokenSealer, Visits],
})
export class PagesModule {}
