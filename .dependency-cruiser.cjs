/** Import directions: a folder is a room, imports point down. Tests may reach anywhere. */

const test = '[.]test[.]ts$';

/** Each room, and the rooms whose modules it may import. */
const rooms = {
  errors: [],
  wasm: [],
  float: ['wasm'],
  isa: ['wasm'],
  jit: ['isa', 'wasm'],
  interrupts: [],
  hart: ['isa', 'float', 'wasm', 'jit', 'errors'],
  devices: ['interrupts', 'errors'],
  hypervisor: ['interrupts', 'hart', 'trace', 'errors'],
  verify: ['interrupts', 'errors'],
  boot: ['errors'],
  trace: [],
  machine: ['errors', 'boot', 'devices', 'hypervisor', 'hart', 'interrupts', 'isa', 'wasm', 'trace'],
  node: ['errors', 'boot', 'machine', 'devices', 'hypervisor', 'hart', 'interrupts', 'trace'],
  cli: ['errors', 'node', 'boot', 'machine', 'devices', 'hypervisor', 'hart', 'interrupts', 'isa', 'trace', 'verify'],
};

const rules = Object.entries(rooms).map(([room, allowed]) => ({
  name: `${room}-imports-down`,
  severity: 'error',
  comment: `src/${room} may import only itself${allowed.length > 0 ? ` and ${allowed.join(', ')}` : ''}`,
  from: { path: `^src/${room}/`, pathNot: test },
  to: { path: '^src/', pathNot: [`^src/${room}/`, ...allowed.map((other) => `^src/${other}/`)] },
}));

module.exports = {
  forbidden: [
    ...rules,
    {
      name: 'core-is-portable',
      severity: 'error',
      comment: 'Only cli/ and node/ may use Node modules: the same core runs in the browser',
      from: { path: '^src/', pathNot: ['^src/(cli|node)/', test] },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: { path: '^src/' },
      to: { circular: true },
    },
    {
      name: 'no-test-imports',
      severity: 'error',
      comment: 'Shipped code does not import tests',
      from: { path: '^src/', pathNot: test },
      to: { path: ['^test/', '^bench/', test] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
  },
};
