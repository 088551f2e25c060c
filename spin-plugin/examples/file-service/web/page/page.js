// The page: which directory is shown, and what happens in it. The part of the
// address behind `#/` is the directory.

import * as api from './api.js';
import { ask, preview } from './dialogs.js';
import * as table from './table.js';
import { add } from './uploads.js';
import { count, size, time } from './words.js';

const MOST_CHANGES = 12;

const at = (id) => document.getElementById(id);
let directory = [];
let stream;

const within = (name) => [...directory, name];
const hash = (path) => `#/${path.map(encodeURIComponent).join('/')}`;

function problem(text) {
  at('problem').textContent = text ?? '';
  at('problem').hidden = !text;
}

// Runs what may fail; the page says why.
async function attempt(task) {
  problem();
  try {
    await task();
  } catch (error) {
    problem(error.message);
  }
}

function showEmpty() {
  at('empty').hidden = table.entries().length > 0;
}

function showCrumbs() {
  const steps = [[], ...directory.map((_, index) => directory.slice(0, index + 1))];
  const items = steps.map((path, index) => {
    const item = document.createElement('li');
    const link = document.createElement('a');
    link.href = hash(path);
    link.textContent = path.at(-1) ?? 'Files';
    if (index === steps.length - 1) link.setAttribute('aria-current', 'page');
    item.append(link);
    return item;
  });
  at('crumbs').replaceChildren(...items);
  at('title').textContent = directory.at(-1) ?? 'Files';
  document.title = ['Files', ...directory].join(' / ');
}

function showChange({ change, entry }) {
  const item = document.createElement('li');
  const text = document.createElement('span');
  text.textContent = `${entry.name} was ${change}`;
  item.append(text, time(Date.now(), true));
  at('changes').prepend(item);
  while (at('changes').children.length > MOST_CHANGES) at('changes').lastChild.remove();
}

function showSummary({ files, directories, bytes, newest }) {
  const parts = [count(files, 'file', 'files'), count(directories, 'directory', 'directories'), size(bytes)];
  at('totals').textContent = parts.join(', ');
  at('newest-title').hidden = !newest.length;
  const items = newest.map((file) => {
    const item = document.createElement('li');
    const link = document.createElement('a');
    const bytes = document.createElement('span');
    link.href = hash(file.path.split('/').slice(0, -1));
    link.textContent = file.path;
    bytes.textContent = size(file.bytes);
    item.append(link, bytes);
    return item;
  });
  at('newest').replaceChildren(...items);
}

async function load() {
  const shown = directory;
  const { entries, more } = await api.list(shown);
  // Another directory was opened meanwhile.
  if (shown !== directory) return;
  table.set(entries);
  at('more').hidden = !more;
  showEmpty();
}

// Follows the directory's changes. The browser opens a new stream when one
// ends; at each start the directory is listed anew, so that nothing is missed.
function follow() {
  stream?.close();
  stream = api.changes(directory);
  const state = (text, live) => {
    at('state').textContent = text;
    at('state').toggleAttribute('data-live', live);
  };
  state('connecting', false);
  stream.onerror = ({ target }) => {
    state('waiting for the service', false);
    // The browser gives up where the service refuses: the list says why.
    if (target.readyState === EventSource.CLOSED) attempt(load);
  };
  stream.addEventListener('ready', () => {
    state('live', true);
    attempt(load);
  });
  stream.addEventListener('change', ({ data }) => {
    const change = JSON.parse(data);
    table.apply(change);
    showChange(change);
    showEmpty();
  });
  stream.addEventListener('summary', ({ data }) => showSummary(JSON.parse(data)));
  stream.addEventListener('gone', () => {
    stream.close();
    state('the directory is gone', false);
    problem('This directory is not there any more.');
  });
}

function open() {
  // Other anchors, such as the title's, are places on the page.
  if (location.hash && !location.hash.startsWith('#/')) return;
  directory = location.hash.slice(2).split('/').filter(Boolean).map(decodeURIComponent);
  problem();
  table.set([]);
  at('changes').replaceChildren();
  at('empty').hidden = true;
  showCrumbs();
  follow();
}

table.connect({
  address: (name) => api.address(within(name)),
  link: ({ kind, name }) => (kind === 'directory' ? hash(within(name)) : api.address(within(name))),
  preview(entry) {
    const pictures = table.entries().filter(table.isPicture);
    const shown = pictures.map(({ name }) => ({ name, address: api.address(within(name)) }));
    preview(shown, entry.name);
  },
  save({ name }) {
    const link = document.createElement('a');
    link.href = `${api.address(within(name))}?download`;
    link.download = name;
    link.click();
  },
  async rename({ name }) {
    const to = await ask({ title: `Rename ${name}`, name, yes: 'Rename' });
    if (to && to !== name) await attempt(() => api.move(within(name), within(to)));
  },
  async remove({ name, kind }) {
    const text = kind === 'directory' ? 'Only an empty directory is removed.' : 'It cannot be brought back.';
    if (await ask({ title: `Remove ${name}?`, text, yes: 'Remove' })) await attempt(() => api.remove(within(name)));
  },
});

at('make').addEventListener('click', async () => {
  const name = await ask({ title: 'New directory', name: '', yes: 'Make' });
  if (name) await attempt(() => api.makeDirectory(within(name)));
});

function upload(files) {
  problem();
  add(directory, files, problem);
}

at('choose').addEventListener('click', () => at('chosen').click());
at('chosen').addEventListener('change', ({ target }) => {
  upload([...target.files]);
  target.value = '';
});

// Entering a child comes before leaving its parent: both are counted.
let entered = 0;
addEventListener('dragenter', () => document.body.classList.toggle('dropping', ++entered > 0));
addEventListener('dragleave', () => document.body.classList.toggle('dropping', --entered > 0));
addEventListener('dragover', (event) => event.preventDefault());
addEventListener('drop', (event) => {
  event.preventDefault();
  entered = 0;
  document.body.classList.remove('dropping');
  upload([...event.dataTransfer.files]);
});

addEventListener('hashchange', open);
open();
