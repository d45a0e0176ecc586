import { dirname, relative, resolve, sep } from 'node:path';

const PROTOCOL = ['client', 'metadata', 'jose', 'http', 'clock', 'errors'];

/** Which rooms of `lib` each room may import, itself aside. Imports run one way; `client` and all below it know no Nest. */
const ROOMS = {
  '': ['login', 'session', 'resource-server', 'nest', 'storage', ...PROTOCOL],
  login: ['nest', 'storage', ...PROTOCOL],
  session: ['nest', 'storage', ...PROTOCOL],
  'resource-server': ['nest', 'storage', ...PROTOCOL],
  nest: PROTOCOL,
  client: ['metadata', 'jose', 'http', 'clock', 'errors'],
  metadata: ['jose', 'http', 'clock', 'errors'],
  jose: ['http', 'clock', 'errors'],
  http: ['clock', 'errors'],
  clock: ['errors'],
  errors: [],
  storage: ['clock', 'errors'],
};

const WITH_NEST = ['', 'login', 'session', 'resource-server', 'nest'];

/** The one file of another feature room that login may know. */
const PORT = ['session', 'session.port.js'].join(sep);

const lib = resolve(import.meta.dirname, 'lib');

function roomOf(file) {
  const [room, ...rest] = relative(lib, file).split(sep);
  return rest.length === 0 ? '' : room;
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
      if (!source.value.startsWith('.')) {
        return;
      }
      const target = resolve(dirname(file), source.value);
      const other = roomOf(target);
      const isPort = room === 'login' && relative(lib, target) === PORT;
      if (other !== room && !isPort && !ROOMS[room]?.includes(other)) {
        context.report({
          node: source,
          message: `The room "${room || 'lib'}" may not import from "${other || 'lib'}".`,
        });
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
