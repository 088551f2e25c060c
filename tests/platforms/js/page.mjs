// The page's script: runs the requests that /requests lists, in instances of
// the transpiled component, and shows an item for each. The list is marked
// with `data-done` when all are there.
import { WASIShim } from '/shim/common/instantiation.js';
import { createCli } from '/shim/browser/cli.js';
import { instantiate } from '/component/suite.js';
import { compiled, runAll } from './cases.mjs';

const results = document.querySelector('#results');
let written = { stdout: '', stderr: '' };

// A handler of an output stream that collects what the instance writes.
function collector(stream) {
  const decoder = new TextDecoder();
  return { write: (bytes) => void (written[stream] += decoder.decode(bytes, { stream: true })), flush() {}, drop() {} };
}

function imports(args) {
  written = { stdout: '', stderr: '' };
  const cli = createCli({ arguments: args, stdout: collector('stdout'), stderr: collector('stderr') });
  return new WASIShim({ cli }).getImportObject();
}

function show({ request, error }) {
  const item = document.createElement('li');
  item.dataset.request = request;
  if (error) item.dataset.error = `${error}\n${written.stderr}`;
  item.textContent = written.stdout;
  results.append(item);
}

try {
  const requests = (await (await fetch('/requests')).text()).split('\n').filter((line) => line);
  await runAll({
    instantiate,
    getCoreModule: compiled((name) => WebAssembly.compileStreaming(fetch(`/component/${name}`))),
    imports,
    requests,
    report: show,
  });
} catch (error) {
  show({ request: 'page', error: error.stack });
}
results.dataset.done = 'yes';
