// node.mjs TRANSPILED.js RESULTS: runs the requests on standard input, one a
// line, and writes a line of JSON for each to the file RESULTS. What the guest
// prints goes where this process prints. LARDER_NODE: where npm's packages are.
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { compiled, runAll } from './cases.mjs';

const component = resolve(process.argv[2]);
const results = createWriteStream(process.argv[3]);
const shim = `${process.env.LARDER_NODE}/node_modules/@bytecodealliance/preview2-shim/dist`;
const { WASIShim } = await import(`${shim}/common/instantiation.js`);
const { instantiate } = await import(pathToFileURL(component));

const requests = [];
for await (const line of createInterface({ input: process.stdin })) requests.push(line);

await runAll({
  instantiate,
  getCoreModule: compiled(async (name) => WebAssembly.compile(await readFile(join(dirname(component), name)))),
  imports: (args) => new WASIShim({ sandbox: { args, env: {}, preopens: {} } }).getImportObject(),
  requests,
  report: (result) => results.write(`${JSON.stringify(result)}\n`),
});
results.end();
