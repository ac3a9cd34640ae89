import tseslint from 'typescript-eslint';

export default tseslint.config(
  {
    ignores: [
      'dist',
      'node_modules',
      '.data',
      'coverage',
      'apps/sandbox-bank/public',
      'apps/cli/src/api-types.ts',
      'apps/gateway/src/pages/assets',
      'apps/gateway/src/admin/assets',
    ],
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-extraneous-class': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
      'max-params': ['error', 4],
      'no-console': 'error',
      eqeqeq: 'error',
    },
  },
  {
    // Nest injects by the classes it sees in constructor parameters: a type-only import of them would erase the injection.
    files: [
      'apps/**/*.controller.ts',
      'apps/**/*.module.ts',
      'apps/**/*.guard.ts',
      'apps/**/*.service.ts',
      'apps/connection/src/sandbox-bank.ts',
    ],
    // What it injects and what a handler asks for by decorators are named one by one, too.
    rules: { '@typescript-eslint/consistent-type-imports': 'off', 'max-params': ['error', 6] },
  },
  {
    files: ['**/*.spec.ts', 'test/**', 'libs/testing/**'],
    rules: {
      'max-lines': ['error', 500],
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
    },
  },
  {
    files: ['apps/cli/**', 'apps/examples/**', 'apps/supervisor/**', 'test/bench/**'],
    rules: { 'no-console': 'off' },
  },
);
