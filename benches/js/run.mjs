// run.mjs TRANSPILED.js ARGUMENT…: runs a component that jco transpiled twice
// with these arguments, so that the second time finds its code optimised. Each
// prints its measure. LARDER_NODE: where npm's packages are.
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const TURNS = 2;

const [component, ...args] = process.argv.slice(2);
const shim = `${process.env.LARDER_NODE}/node_modules/@bytecodealliance/preview2-shim/dist`;
const { WASIShim } = await import(pathToFileURL(`${shim}/common/instantiation.js`));
const { instantiate } = await import(pathToFileURL(component));
const env = { BENCH_FILE_BYTES: process.env.BENCH_FILE_BYTES };

const modules = new Map();
async function getCoreModule(name) {
  if (!modules.has(name)) modules.set(name, await WebAssembly.compile(await readFile(join(dirname(component), name))));
  return modules.get(name);
}

for (let turn = 0; turn < TURNS; turn += 1) {
  const imports = new WASIShim({ sandbox: { args, env, preopens: {} } }).getImportObject();
  const { run } = await instantiate(getCoreModule, imports);
  run.run();
}
