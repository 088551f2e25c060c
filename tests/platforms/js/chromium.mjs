// chromium.mjs TRANSPILED.js RESULTS: opens a page that runs the requests on
// standard input, one a line, in headless Chromium, and writes what the page
// shows to the file RESULTS, a line of JSON for each request. LARDER_NODE:
// where npm's packages are; LARDER_CHROMIUM: the browser.
import { createServer } from 'node:http';
import { readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join, normalize, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, packages, QUIET } from './browser.mjs';

// Longer than the whole suite takes on a busy machine.
const MOST_MILLISECONDS = 300_000;
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm' };

const component = resolve(process.argv[2]);
const here = dirname(fileURLToPath(import.meta.url));
const folders = {
  js: here,
  shim: `${packages}/@bytecodealliance/preview2-shim/dist`,
  component: dirname(component),
};
let requests = '';
for await (const piece of process.stdin) requests += piece;

async function answer(url) {
  const path = normalize(url);
  if (path === '/') return ['.html', await readFile(join(here, 'page.html'))];
  if (path === '/requests') return ['.txt', requests];
  if (path === '/component/suite.js') return ['.js', await readFile(component)];
  const [, folder, ...rest] = path.split('/');
  return [extname(path), await readFile(join(folders[folder], ...rest))];
}

const server = createServer(async (request, response) => {
  try {
    const [extension, content] = await answer(new URL(request.url, 'http://page').pathname);
    response.writeHead(200, { 'content-type': TYPES[extension] ?? 'text/plain' }).end(content);
  } catch (error) {
    response.writeHead(404).end(String(error));
  }
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const browser = await chromium.launch({ executablePath: process.env.LARDER_CHROMIUM, args: QUIET });
try {
  const page = await browser.newPage();
  page.on('console', (message) => console.error(`${basename(component)}: ${message.text()}`));
  page.on('pageerror', (error) => console.error(`${basename(component)}: ${error.stack}`));
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  await page.waitForSelector('#results[data-done]', { timeout: MOST_MILLISECONDS });
  const shown = await page.$$eval('#results li', (items) =>
    items.map(({ dataset: { request, error }, textContent }) => ({ request, error, text: textContent })),
  );
  await writeFile(process.argv[3], shown.map((result) => `${JSON.stringify(result)}\n`).join(''));
} finally {
  await browser.close();
  server.close();
}
