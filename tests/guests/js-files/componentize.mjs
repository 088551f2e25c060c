// Makes a component of a program: componentize.mjs SOURCE WIT WORLD OUT.
// LARDER_NODE names the folder that tests/tools installs npm packages into.
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';

const [source, wit, world, out] = process.argv.slice(2);
const packages = `${process.env.LARDER_NODE}/node_modules/@bytecodealliance`;
const { _setPreopens } = await import(`${packages}/preview2-shim/dist/nodejs/filesystem.js`);
const { componentize } = await import(`${packages}/componentize-js/src/componentize.js`);

// ComponentizeJS reads the WIT through a component of its own, which is
// granted nothing by itself.
_setPreopens({ '/': '/' });
const { component } = await componentize({
  sourcePath: resolve(source),
  witPath: resolve(wit),
  worldName: world,
  // Interfaces that a command has no use for.
  disableFeatures: ['http', 'fetch-event'],
});
await writeFile(out, component);
