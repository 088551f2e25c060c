// The table of a directory's entries: its rows, their order, and the keys.

import { size, time } from './words.js';

// Larger pictures are shown only when they are asked for.
const MOST_THUMBNAIL_BYTES = 4 << 20;

const body = document.getElementById('entries');
const order = new Intl.Collator(undefined, { numeric: true });

let rows = new Map();
let act = {};

export const isPicture = (entry) => entry.type.startsWith('image/');

// Directories first, then by name.
function compare(one, other) {
  const directories = (other.kind === 'directory') - (one.kind === 'directory');
  return directories || order.compare(one.name, other.name);
}

export const entries = () => [...body.rows].map((row) => row.entry);

function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function picture(entry) {
  if (!isPicture(entry) || entry.bytes > MOST_THUMBNAIL_BYTES) return [];
  // The time makes it another address when the picture was changed.
  const src = `${act.address(entry.name)}?${entry.modified}`;
  return [element('img', { src, alt: '', loading: 'lazy', decoding: 'async' })];
}

function link(entry) {
  const made = element('a', { textContent: entry.name, href: act.link(entry) });
  if (isPicture(entry)) {
    made.addEventListener('click', (event) => {
      event.preventDefault();
      act.preview(entry);
    });
  }
  return made;
}

function actions(entry) {
  const button = (text, action) => {
    const made = element('button', { type: 'button', textContent: text, onclick: () => action(entry) });
    made.setAttribute('aria-label', `${text} ${entry.name}`);
    return made;
  };
  const cell = element('td', {});
  if (entry.kind === 'file') cell.append(button('Save', act.save), ' ');
  cell.append(button('Rename', act.rename), ' ', button('Remove', act.remove));
  return cell;
}

function row(entry) {
  const name = element('th', { scope: 'row' }, link(entry));
  const bytes = element('td', { className: 'number', textContent: entry.kind === 'file' ? size(entry.bytes) : '' });
  const cells = [element('td', {}, ...picture(entry)), name, bytes, element('td', {}, time(entry.modified)), actions(entry)];
  const made = Object.assign(element('tr', {}, ...cells), { entry });
  made.dataset.kind = entry.kind;
  return made;
}

// Where the focus is, it stays, also when the row is made anew.
function replace(former, made) {
  const focused = [...former.querySelectorAll('a, button')].indexOf(document.activeElement);
  former.remove();
  insert(made);
  if (focused >= 0) made.querySelectorAll('a, button')[focused]?.focus();
}

function insert(made) {
  const next = [...body.rows].find((row) => compare(made.entry, row.entry) < 0);
  body.insertBefore(made, next ?? null);
}

export function focus(index) {
  const { rows } = body;
  const row = rows[Math.min(Math.max(index, 0), rows.length - 1)];
  (row ? row.querySelector('a') : document.getElementById('title')).focus();
}

// What a row's links and buttons do: functions of an entry.
export function connect(actions) {
  act = actions;
}

export function set(all) {
  const focused = document.activeElement.closest('tr')?.entry?.name;
  const made = all.toSorted(compare).map(row);
  rows = new Map(made.map((row) => [row.entry.name, row]));
  body.replaceChildren(...made);
  rows.get(focused)?.querySelector('a').focus();
}

// Takes a change in, which may be there already.
export function apply({ change, entry }) {
  const former = rows.get(entry.name);
  if (change === 'removed') {
    if (!former) return;
    const index = former.contains(document.activeElement) ? former.sectionRowIndex : -1;
    former.remove();
    rows.delete(entry.name);
    if (index >= 0) focus(index);
    return;
  }
  const made = row(entry);
  made.className = 'fresh';
  if (former) replace(former, made);
  else insert(made);
  rows.set(entry.name, made);
}

body.addEventListener('keydown', (event) => {
  const row = event.target.closest('tr');
  const keys = {
    ArrowDown: () => focus(row.sectionRowIndex + 1),
    ArrowUp: () => focus(row.sectionRowIndex - 1),
    F2: () => act.rename(row.entry),
    Delete: () => act.remove(row.entry),
  };
  if (!row || !(event.key in keys)) return;
  event.preventDefault();
  keys[event.key]();
});
