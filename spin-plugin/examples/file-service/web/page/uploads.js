// Uploads: one after the other, each with its progress.

import { upload } from './api.js';
import { ask } from './dialogs.js';

const list = document.getElementById('uploads');
let last = Promise.resolve();

function show(name, cancel) {
  const item = document.createElement('li');
  const title = document.createElement('span');
  const progress = document.createElement('progress');
  const percent = document.createElement('span');
  const button = document.createElement('button');
  title.textContent = title.title = name;
  progress.setAttribute('aria-label', `Upload of ${name}`);
  progress.value = 0;
  percent.className = 'number';
  percent.textContent = '0 %';
  button.type = 'button';
  button.textContent = 'Cancel';
  button.setAttribute('aria-label', `Cancel the upload of ${name}`);
  button.addEventListener('click', cancel);
  item.append(title, progress, percent, button);
  list.append(item);
  return {
    item,
    progress(part) {
      progress.value = part;
      percent.textContent = `${Math.floor(part * 100)} %`;
    },
  };
}

async function send(path, file, shown, signal) {
  if (signal.aborted) return;
  const { progress } = shown;
  if ((await upload(path, file, { progress, signal })) === 'done') return;
  const title = `Replace ${file.name}?`;
  const text = 'There is something of that name already.';
  if (await ask({ title, text, yes: 'Replace' })) await upload(path, file, { replace: true, progress, signal });
}

// Uploads files into a directory. `failed` is told of each that fails.
export function add(directory, files, failed) {
  for (const file of files) {
    const cancelled = new AbortController();
    const shown = show(file.name, () => cancelled.abort());
    last = last
      .then(() => send([...directory, file.name], file, shown, cancelled.signal))
      .catch((error) => cancelled.signal.aborted || failed(`${file.name}: ${error.message}`))
      .finally(() => shown.item.remove());
  }
}
