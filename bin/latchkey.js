#!/usr/bin/env node
'use strict';

const { existsSync } = require('node:fs');
const { join } = require('node:path');

const program = join(__dirname, '..', 'dist', 'apps', 'cli', 'src', 'main.js');
if (existsSync(program)) {
  require(program);
} else {
  console.error('Latchkey is not built yet: npm start does it, or npm run build.');
  process.exitCode = 1;
}
