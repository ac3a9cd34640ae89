import { existsSync } from 'node:fs';

const installed = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'];

/**
 * Debian's Chromium, or the one that CHROMIUM_PATH names. Its build without windows costs a third less of the processor, so
 * it goes first where both are installed; it need not be there.
 */
export const browserPath = process.env['CHROMIUM_PATH'] ?? installed.find((path) => existsSync(path)) ?? installed[1]!;
