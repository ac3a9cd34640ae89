/**
 * Three projects: `unit` needs nothing running; `contract` specs start the one server they are about (`test/*.contract.spec.ts`);
 * `stack` specs share the whole system, which is started once for all of them.
 */
const common = {
  rootDir: __dirname,
  testEnvironment: 'node',
  transform: {
    '^.+\\.(ts|m?js)$': [
      '@swc/jest',
      {
        jsc: {
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
          target: 'es2022',
        },
        module: { type: 'commonjs' },
      },
    ],
  },
  transformIgnorePatterns: [
    '/node_modules/(?!(@nestjs|eta|file-type|strtok3|token-types|uint8array-extras|@tokenizer|@borewit|jose)/)',
  ],
  moduleNameMapper: {
    '^#(contracts|eventstore|service|testing)/(.*)\\.js$': '<rootDir>/libs/$1/src/$2',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  modulePathIgnorePatterns: ['<rootDir>/dist'],
};

module.exports = {
  projects: [
    { ...common, displayName: 'unit', testMatch: ['<rootDir>/{apps,libs}/**/*.spec.ts'] },
    {
      ...common,
      displayName: 'contract',
      testMatch: ['<rootDir>/test/**/*.contract.spec.ts'],
      setupFilesAfterEnv: ['<rootDir>/test/second-try.ts'],
    },
    {
      ...common,
      displayName: 'stack',
      testMatch: ['<rootDir>/test/**/*.spec.ts'],
      testPathIgnorePatterns: ['\\.contract\\.spec\\.ts$'],
      setupFilesAfterEnv: ['<rootDir>/test/second-try.ts'],
      globalSetup: '<rootDir>/test/global-setup.ts',
      globalTeardown: '<rootDir>/test/global-teardown.ts',
    },
  ],
  reporters: ['default', '<rootDir>/test/reporter.cjs'],
  maxWorkers: 2,
  testTimeout: 120_000,
};
