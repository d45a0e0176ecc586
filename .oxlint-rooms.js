import { dirname, relative, resolve, sep } from 'node:path';

/** The rooms of `lib/`, from the top down; '' is the entries of the package. Imports run down this list only. */
const ROOMS = [
  '',
  'testing',
  'doctor',
  'module',
  'resource-server',
  'token-cache',
  'login',
  'session',
  'nest',
  'development',
  'client',
  'authorization',
  'grants',
  'tokens',
  'authorization-server',
  'metadata',
  'jose',
  'http',
  'storage',
  'events',
  'values',
  'clock',
  'errors',
];

/** Feature rooms that do not know each other, though one stands above the other. */
const STRANGERS = [
  ['resource-server', 'login'],
  ['resource-server', 'session'],
  ['token-cache', 'login'],
  ['token-cache', 'session'],
  ['login', 'session'],
];

/** The one file of another feature room that login may know. */
const PORT = ['session', 'session.port.js'].join(sep);

/** The last room that knows Nest. */
const WITH_NEST = ROOMS.slice(0, ROOMS.indexOf('nest') + 1);

const lib = resolve(import.meta.dirname, 'lib');

function roomOf(file) {
  const [room, ...rest] = relative(lib, file).split(sep);
  return rest.length === 0 ? '' : room;
}

/** Why a file of one room may not import a file of another; undefined where it may. */
function problemOf(room, target) {
  const other = roomOf(target);
  if (other === room || (room === 'login' && relative(lib, target) === PORT)) {
    return undefined;
  }
  const [from, to] = [ROOMS.indexOf(room), ROOMS.indexOf(other)];
  if (from === -1 || to === -1) {
    return `"${from === -1 ? room : other}" is no room of the plan in lib/README.md.`;
  }
  const areStrangers = STRANGERS.some(([one, another]) => one === room && another === other);
  return to < from || areStrangers ? `The room "${room}" may not import from "${other || 'lib'}".` : undefined;
}

const imports = {
  create(context) {
    const file = context.filename;
    if (!file.startsWith(lib + sep)) {
      return {};
    }
    const room = roomOf(file);
    const check = ({ source }) => {
      if (typeof source?.value !== 'string') {
        return;
      }
      if (source.value.startsWith('@nestjs/') && !WITH_NEST.includes(room)) {
        context.report({ node: source, message: `The room "${room}" knows nothing of Nest.` });
      }
      const problem = source.value.startsWith('.') ? problemOf(room, resolve(dirname(file), source.value)) : undefined;
      if (problem !== undefined) {
        context.report({ node: source, message: problem });
      }
    };
    return {
      ImportDeclaration: check,
      ImportExpression: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
    };
  },
};

export default { meta: { name: 'rooms' }, rules: { imports } };
