// Property: what the documents name exists: every file and anchor that they link, every path, npm script, metric and
// variable that they write as code.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { describe, expect, test } from 'vitest';

import { SCENARIOS } from '../../gamedays/chaos/scenarios.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');
const markdown = (folder: string): string[] =>
  readdirSync(path.join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => path.join(folder, name));
const documents = ['README.md', 'CHANGELOG.md', ...markdown('docs'), ...markdown('docs/adr')];
const scripts = Object.keys((JSON.parse(read('package.json')) as { scripts: object }).scripts);
const rooms = readdirSync(root, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
  .map(({ name }) => name)
  .filter((name) => name !== 'node_modules');
/** In which variables and metrics are made. */
const sources = rooms
  .flatMap((room) =>
    readdirSync(path.join(root, room), { recursive: true, encoding: 'utf8' }).map((name) =>
      path.join(room, name),
    ),
  )
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  .map(read)
  .join('\n');

/** As GitHub makes them of headings. */
function anchors(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function broken(document: string, link: string): boolean {
  const [file = '', anchor] = link.split('#');
  const target = file === '' ? document : path.join(path.dirname(document), file);
  if (!existsSync(path.join(root, target))) return true;
  return anchor !== undefined && !anchors(read(target)).includes(anchor);
}

const matches = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([, found = '']) => found);

describe.each(documents)('%s', (document) => {
  const text = read(document);

  test('links only what exists', () => {
    const links = matches(text, /\]\(([^)\s]+)\)/g).filter((link) => !link.includes('://'));
    expect(links.filter((link) => broken(document, link))).toEqual([]);
  });

  test('names only paths, scripts, variables and metrics that exist', () => {
    const paths = matches(text, /`([\w.-]+\/[\w./-]*)`/g).filter((name) =>
      rooms.includes(name.split('/')[0] ?? ''),
    );
    expect(paths.filter((name) => !existsSync(path.join(root, name)))).toEqual([]);
    const run = matches(text, /npm run ([\w:-]+)/g);
    expect(run.filter((name) => !scripts.includes(name))).toEqual([]);
    const variables = matches(text, /`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)`/g);
    expect(variables.filter((name) => !sources.includes(name))).toEqual([]);
    const metrics = matches(text, /`(pdlite_[a-z_]+)`/g);
    expect(metrics.filter((name) => !sources.includes(`'${name}'`))).toEqual([]);
  });
});

test('docs/failure-tests.md names only tests and scenarios that exist', () => {
  const text = read('docs/failure-tests.md');
  const tests = matches(text, /`((?:chaos|contract|integration|smoke|workflow)\/[a-z-]+)`/g);
  expect(tests.length).toBeGreaterThan(20);
  expect(tests.filter((name) => !existsSync(path.join(root, 'test', `${name}.test.ts`)))).toEqual(
    [],
  );
  const scenarios = matches(text, /`([a-z]+(?:-[a-z]+)*)`/g);
  const known = SCENARIOS.map(({ name }) => name);
  expect(scenarios.filter((name) => !known.includes(name))).toEqual([]);
});

test('docs/architecture.md explains every folder', () => {
  const table = read('docs/architecture.md').split('## Folders')[1] ?? '';
  expect(rooms.filter((room) => !table.includes(`\`${room}/`))).toEqual([]);
});
