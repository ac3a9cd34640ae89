import type { KeyObject } from 'node:crypto';
import { Module } from '@nestjs/common';
import { AssetsController } from './assets.controller.js';
import { FollowController } from './follow.controller.js';
import { HandOffCodes } from './hand-off-code.js';
import { HandOffController } from './hand-off.controller.js';
import { ConnectCallbackController } from './connect-callback.controller.js';
import { JwksController } from './jwks.controller.js';
import { LinkActionsController } from './link-actions.controller.js';
import { HostedPageController } from './hosted-page.controller.js';
import { openResultKey } from './result-key.js';
import { ResultSigner } from './result-signer.js';
import { PAGES_SETTINGS, readPagesSettings } from './settings.js';
import { Visits } from './visits.service.js';

const RESULT_KEY = 'result key';
const key = { provide: RESULT_KEY, inject: [PAGES_SETTINGS], useFactory: openResultKey };
const signer = { provide: ResultSigner, inject: [RESULT_KEY], useFactory: (key: KeyObject) => ResultSigner.with(key) };
const codes = { provide: HandOffCodes, inject: [RESULT_KEY], useFactory: (key: KeyObject) => HandOffCodes.from(key) };

/** The hosted link page. `Bus` and `CONFIG` come from the gateway's own module, which is global. */
@Module({
  controllers: [
    ConnectCallbackController,
    HostedPageController,
    LinkActionsController,
    HandOffController,
    FollowController,
    AssetsController,
    JwksController,
  ],
  providers: [{ provide: PAGES_SETTINGS, useFactory: readPagesSettings }, key, signer, codes, Visits],
  exports: [ResultSigner],
})
export class PagesModule {}
