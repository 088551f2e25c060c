// file-service.mjs ADDRESS [PICTURES]: uses the page of the example
// spin-plugin/examples/file-service, which is served at ADDRESS, in headless
// Chromium: what the page shows of what it does itself, of what others do, and
// of what the indexer writes. The service must be empty at first. Fails with
// what was not as it should be; saves pictures of the page to the folder
// PICTURES. LARDER_NODE: where npm's packages are; LARDER_CHROMIUM: the browser.
import assert from 'node:assert/strict';
import { chromium, QUIET } from './browser.mjs';

const [address, pictures] = process.argv.slice(2);
// A busy machine is slow; nothing waits for as long when all is well.
const PATIENCE = 60_000;
// Red, 1 × 1.
const PICTURE = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC',
  'base64',
);
const LARGE = Buffer.alloc(16 << 20, 'larder ');

// Another client than the page.
async function other(method, path, body) {
  const response = await fetch(new URL(path, address), { method, body });
  assert.ok(response.ok, `${method} ${path}: ${response.status} ${await response.clone().text()}`);
  return response;
}

const browser = await chromium.launch({ executablePath: process.env.LARDER_CHROMIUM, args: QUIET });
const problems = [];
try {
  const page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
  page.setDefaultTimeout(PATIENCE);
  page.on('pageerror', (error) => problems.push(error.stack));
  // Also what the page's own policy refuses.
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));

  const name = (text) => page.locator('#entries a', { hasText: new RegExp(`^${text}$`) });
  const button = (label) => page.getByRole('button', { name: label, exact: true });
  const shown = (text) => name(text).waitFor();
  const gone = (text) => name(text).waitFor({ state: 'detached' });
  const says = (selector, text) => page.locator(selector, { hasText: text }).first().waitFor();
  const picture = (file) => pictures && page.screenshot({ path: `${pictures}/${file}.png` });
  const step = async (what, task) => {
    await task();
    console.error(`page: ${what}`);
  };

  await step('is live', async () => {
    await page.goto(address);
    await page.locator('#state[data-live]').waitFor();
    await page.locator('#empty').waitFor();
  });

  await step('uploads, with progress', async () => {
    // All states that the bar has: a fast upload is gone before it can be seen.
    await page.evaluate(() => {
      globalThis.seen = [];
      const watch = () => document.querySelectorAll('progress').forEach((bar) => globalThis.seen.push(bar.value));
      new MutationObserver(watch).observe(document.querySelector('#uploads'), { subtree: true, childList: true, characterData: true });
    });
    await page.locator('#chosen').setInputFiles([
      { name: 'red.png', mimeType: 'image/png', buffer: PICTURE },
      { name: 'ä large file.txt', mimeType: 'text/plain', buffer: LARGE },
    ]);
    await shown('red.png');
    await shown('ä large file.txt');
    await page.locator('#uploads li').waitFor({ state: 'detached' });
    const seen = await page.evaluate(() => globalThis.seen);
    assert.ok(seen.includes(0) && seen.some((value) => value > 0), `no progress was shown: ${seen}`);
    const stored = await other('GET', `files/${encodeURIComponent('ä large file.txt')}`);
    assert.ok(LARGE.equals(Buffer.from(await stored.arrayBuffer())), 'the file is not what was uploaded');
  });

  await step('asks before it replaces', async () => {
    const file = { name: 'red.png', mimeType: 'image/png', buffer: PICTURE };
    await page.locator('#chosen').setInputFiles([file]);
    await says('#question', 'Replace red.png?');
    await picture('question');
    await page.keyboard.press('Escape');
    await page.locator('#uploads li').waitFor({ state: 'detached' });
    await page.locator('#chosen').setInputFiles([file]);
    await page.locator('#question-yes').click();
    await says('#changes', 'red.png was changed');
  });

  await step('previews pictures, by keyboard', async () => {
    await other('PUT', 'files/second.png', PICTURE);
    await shown('second.png');
    await name('red.png').focus();
    await page.keyboard.press('Enter');
    await says('#preview-name', 'red.png');
    const loaded = () => document.querySelector('#preview-picture').naturalWidth === 1;
    await page.waitForFunction(loaded);
    await page.keyboard.press('ArrowRight');
    await says('#preview-name', 'second.png');
    await page.waitForFunction(loaded);
    await page.keyboard.press('Escape');
    await page.locator('#preview').waitFor({ state: 'hidden' });
    await page.waitForFunction(() => document.querySelector('#entries img').naturalWidth === 1);
  });

  await step('makes directories, and renames and removes by keyboard', async () => {
    await button('New directory').click();
    await page.keyboard.type('photos');
    await page.keyboard.press('Enter');
    await shown('photos');
    await name('photos').click();
    await says('#title', 'photos');
    await page.locator('#state[data-live]').waitFor();
    await page.locator('#chosen').setInputFiles([{ name: 'in.txt', mimeType: 'text/plain', buffer: Buffer.from('in') }]);
    await shown('in.txt');
    await name('in.txt').focus();
    await page.keyboard.press('F2');
    await page.keyboard.type('inside');
    await page.keyboard.press('Enter');
    await shown('inside.txt');
    await gone('in.txt');
    assert.equal(await (await other('GET', 'files/photos/inside.txt')).text(), 'in');
    await name('inside.txt').focus();
    await page.keyboard.press('Delete');
    await says('#question', 'Remove inside.txt?');
    await page.keyboard.press('Enter');
    await gone('inside.txt');
    await page.locator('#crumbs a').first().click();
    await shown('red.png');
  });

  await step('says what is refused', async () => {
    await other('PUT', 'files/photos/kept.txt', 'kept');
    await button('Remove photos').click();
    await page.locator('#question-yes').click();
    await says('#problem', 'not empty');
    await button('New directory').click();
    await page.keyboard.type('a/../../b');
    await page.keyboard.press('Enter');
    await says('#problem', 'begins with a dot');
  });

  await step('shows what others do', async () => {
    await other('PUT', 'files/from-another-client.txt', 'hello');
    await shown('from-another-client.txt');
    await says('#changes', 'from-another-client.txt was added');
    await other('DELETE', 'files/from-another-client.txt');
    await gone('from-another-client.txt');
    await says('#changes', 'from-another-client.txt was removed');
  });

  await step('shows what the indexer writes', async () => {
    await says('#totals', '4 files, 1 directory, 16 MiB');
    await says('#newest', 'photos/kept.txt');
  });

  await step('follows the colours of the system, and small windows', async () => {
    await picture('light');
    await page.emulateMedia({ colorScheme: 'dark' });
    await picture('dark');
    await page.setViewportSize({ width: 400, height: 800 });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
    await picture('small');
    assert.ok(!wide, 'a small window has to be scrolled to the side');
  });

  // A refused request is an error of the console's, as well: those were meant.
  const meant = /the server responded with a status of (400|409|412)/;
  assert.deepEqual(problems.filter((problem) => !meant.test(problem)), []);
} catch (error) {
  if (problems.length) console.error(problems.join('\n'));
  throw error;
} finally {
  await browser.close();
}
