// Makes the command line's view of the API from the API's own document. It is made anew at each build and not kept in git.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import openapiTs, { astToString } from 'openapi-typescript';

const root = fileURLToPath(new URL('..', import.meta.url));
const target = join(root, 'apps/cli/src/api-types.ts');
const built = createRequire(join(root, 'dist/apps/gateway/src/create-gateway.js'));
built('reflect-metadata');

/** The document as the gateway serves it; nothing needs to run for that. */
async function documentOf() {
  const data = mkdtempSync(join(tmpdir(), 'latchkey-document-'));
  process.env.DATA_DIR = data;
  process.env.LOG_LEVEL = 'silent';
  const { createGateway } = built('./create-gateway.js');
  const { gatewayEnv } = built('./config.js');
  const { Bus } = built('../../../libs/service/src/bus.js');
  const app = await createGateway(new Bus(), gatewayEnv.parse({ SANDBOX: 'true' }));
  const { body } = await app.inject({ method: 'GET', url: '/openapi.json' });
  await app.close();
  rmSync(data, { recursive: true });
  return JSON.parse(body);
}

const head = '// Made from /openapi.json by scripts/make-client.mjs; do not edit.\n\n';
writeFileSync(target, head + astToString(await openapiTs(await documentOf(), { defaultNonNullable: false })));
process.exit();
