import js from '@eslint/js';
import tseslint from 'typescript-eslint';

// Domain code must give the same answer on every replay and in every process, so whatever reads a clock
// or chance is refused there by name.
const nonDeterministic = [
  {
    selector: 'NewExpression[callee.name="Date"][arguments.length=0]',
    message: 'The clock is an argument.',
  },
  {
    selector: 'CallExpression[callee.object.name="Date"][callee.property.name="now"]',
    message: 'The clock is an argument.',
  },
  {
    selector: 'CallExpression[callee.object.name="Math"][callee.property.name="random"]',
    message: 'Chance is an argument.',
  },
];
const environment = {
  selector: 'MemberExpression[object.name="process"][property.name="env"]',
  message: 'Only platform/config reads the environment.',
};
const workflowQuery = {
  selector: 'CallExpression[callee.property.name="query"]',
  message: 'Read workflows by temporal-config/read-workflow.ts.',
};

export default tseslint.config(
  { ignores: ['node_modules', 'dist', '.cache', '.data', 'coverage', '**/*.gen.ts'] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: true },
    },
    rules: {
      complexity: ['error', 14],
      'max-params': ['error', 4],
      'max-depth': ['error', 4],
      'no-restricted-syntax': ['error', environment],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: true },
      ],
    },
  },
  {
    files: ['domain/**/*.ts', 'workflows/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        'process',
        'fetch',
        'console',
        'setInterval',
        'setImmediate',
        'crypto',
      ],
    },
  },
  {
    // The workflow sandbox makes its clock and chance replay; domain code has no sandbox.
    files: ['domain/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: { 'no-restricted-syntax': ['error', environment, ...nonDeterministic] },
  },
  {
    // docs/adr/0010: a query can leave a running workflow so that no worker can go on with it.
    files: ['{api,activities,worker,watchdog,cli,temporal-config}/**/*.ts'],
    ignores: ['temporal-config/read-workflow.ts'],
    rules: { 'no-restricted-syntax': ['error', environment, workflowQuery] },
  },
  {
    files: ['platform/config*.ts', '**/*.test.ts', 'test/**/*.ts'],
    rules: { 'no-restricted-syntax': 'off' },
  },
  {
    files: ['**/*.mjs'],
    ...tseslint.configs.disableTypeChecked,
    languageOptions: {
      globals: { process: 'readonly', console: 'readonly', URL: 'readonly' },
      parserOptions: { projectService: false },
    },
  },
);
