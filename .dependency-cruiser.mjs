// The table of design: which room may import which. A rule is named for the room it guards.
const rooms = {
  domain: [],
  platform: [],
  db: ['domain', 'platform'],
  providers: ['domain', 'platform'],
  workflows: ['domain'],
  activities: ['domain', 'db', 'providers', 'platform', 'temporal-config'],
  'temporal-config': ['domain', 'platform'],
  api: ['domain', 'db', 'providers', 'temporal-config', 'platform'],
  worker: ['activities', 'temporal-config', 'db', 'providers', 'platform', 'domain'],
  simulators: ['domain', 'platform', 'providers', 'temporal-config'],
  gamedays: ['domain', 'platform', 'providers', 'temporal-config'],
  watchdog: ['domain', 'db', 'providers', 'platform', 'temporal-config'],
  cli: [],
  migrations: [],
};
// Rooms that a room may know by type alone.
const typesOnly = { workflows: ['activities'], 'temporal-config': ['workflows'] };
const all = [...Object.keys(rooms), 'bench', 'test', 'console'].join('|');
const notTests = '\\.test\\.ts$';

const roomRules = Object.entries(rooms).flatMap(([room, allowed]) => {
  const values = [room, ...allowed];
  const types = [...values, ...(typesOnly[room] ?? [])];
  return [
    {
      name: `${room}-values`,
      severity: 'error',
      from: { path: `^${room}/`, pathNot: notTests },
      to: {
        path: `^(${all})/`,
        pathNot: `^(${values.join('|')})/`,
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: `${room}-types`,
      severity: 'error',
      from: { path: `^${room}/`, pathNot: notTests },
      to: { path: `^(${all})/`, pathNot: `^(${types.join('|')})/`, dependencyTypes: ['type-only'] },
    },
  ];
});

const only = (name, library, pathNot) => ({
  name,
  severity: 'error',
  from: { pathNot: `${pathNot}|^test/|^bench/|${notTests}` },
  to: { path: `node_modules/(${library})/` },
});

export default {
  forbidden: [
    ...roomRules,
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'domain-imports-nothing',
      severity: 'error',
      from: { path: '^domain/', pathNot: notTests },
      to: { dependencyTypes: ['npm', 'npm-dev', 'core'] },
    },
    {
      name: 'workflows-only-temporal',
      severity: 'error',
      from: { path: '^workflows/', pathNot: notTests },
      to: {
        dependencyTypes: ['npm', 'npm-dev', 'core'],
        pathNot: 'node_modules/@temporalio/(workflow|common)/',
      },
    },
    only('sql-only-in-db', 'knex|pg', '^(db|migrations|platform|gamedays)/'),
    only('vendors-only-in-providers', 'twilio|nodemailer', '^(providers|simulators)/'),
    only('one-temporal-client', '@temporalio/client', '^(temporal-config|activities|api|worker)/'),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(node_modules|\\.cache|\\.data)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
