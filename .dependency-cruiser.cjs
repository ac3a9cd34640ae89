/** The architecture as checks: each rule has been seen to fail on a planted violation. */
module.exports = {
  forbidden: [
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'apps-meet-only-on-the-bus',
      severity: 'error',
      from: { path: '^apps/([^/]+)/' },
      to: { path: '^(dist/)?apps/', pathNot: '^(dist/)?apps/$1/' },
    },
    { name: 'libs-know-no-app', severity: 'error', from: { path: '^libs/' }, to: { path: '^(dist/)?apps/' } },
    {
      name: 'deciders-are-pure',
      comment: 'A decider imports the contracts and the Decider type, nothing else.',
      severity: 'error',
      from: { path: '\\.decider\\.ts$' },
      to: { pathNot: '^(dist/)?(libs/contracts/src/|libs/eventstore/src/decider\\.[jt]s$)' },
    },
    {
      name: 'contracts-import-no-framework',
      severity: 'error',
      from: { path: '^libs/contracts/', pathNot: '\\.spec\\.ts$' },
      to: { path: 'node_modules', pathNot: 'node_modules/zod/' },
    },
    {
      name: 'contracts-stand-alone',
      severity: 'error',
      from: { path: '^libs/contracts/' },
      to: { path: '^(dist/)?libs/(?!contracts/)' },
    },
    {
      name: 'one-door-to-the-event-store',
      comment:
        'Only libs/eventstore knows the client. The embedded server uses its generated messages, and the contract tests speak to it directly.',
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: '^(libs/eventstore/|apps/eventstore-embedded/)' },
      to: { path: 'node_modules/@eventstore/db-client' },
    },
    {
      name: 'no-test-code-in-production',
      severity: 'error',
      from: { path: '^(apps|libs/(?!testing))', pathNot: '\\.spec\\.ts$' },
      to: { path: '^(dist/)?(libs/testing|test)/' },
    },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    // The aliases (#contracts/…) lead to dist: what was built stands for its source in every rule.
    doNotFollow: { path: 'node_modules|^dist/' },
    enhancedResolveOptions: { conditionNames: ['import', 'require', 'node', 'default', 'types'] },
  },
};
