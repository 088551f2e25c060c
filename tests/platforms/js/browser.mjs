// The browser that drivers use. LARDER_NODE: where npm's packages are.

// Chromium's own traffic is refused where there is no network.
export const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export const packages = `${process.env.LARDER_NODE}/node_modules`;
export const { chromium } = await import(`${packages}/playwright-core/index.mjs`);
