// File work of a JavaScript program, by ComponentizeJS: it has no file
// functions of its own and calls `wasi:filesystem` 0.2 itself.
import { getArguments } from 'wasi:cli/environment@0.2.12';
import { getDirectories } from 'wasi:filesystem/preopens@0.2.12';
import { remove, tree } from './files.js';

function work([root = '/js-files', count = '500']) {
  const granted = getDirectories().find(([, path]) => path === '/');
  if (!granted) throw new Error('no directory is granted at /');
  const directory = tree(granted[0], root.replace(/^\/+/, ''), Number(count));
  console.log(`js-files: ${directory.files} files, ${directory.bytes} bytes`);
  remove(granted[0], root.replace(/^\/+/, ''));
  console.log('js-files: ok');
}

export const run = {
  run() {
    try {
      work(getArguments().slice(1));
    } catch (error) {
      console.error(`js-files: ${error.payload ?? error.message ?? error}\n${error.stack ?? ''}`);
      throw error.payload ?? 'failed';
    }
  },
};
