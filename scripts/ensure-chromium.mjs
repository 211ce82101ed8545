// The browser tests drive Debian's Chromium. This finds it, or installs it where that is possible, and says so.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import process from 'node:process';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

if (!existsSync(CHROMIUM)) {
  const root = process.getuid?.() === 0;
  const hint = `apt-get install -y --no-install-recommends chromium   (or set CHROMIUM to the path of a Chromium)`;
  if (!root || !existsSync('/usr/bin/apt-get')) {
    console.error(`The browser tests need Chromium at ${CHROMIUM}. To install it:\n  ${hint}`);
    process.exit(1);
  }
  console.log(`Installing Debian's Chromium for the browser tests …`);
  const apt = (...args) => spawnSync('apt-get', args, { stdio: ['ignore', 'ignore', 'inherit'] }).status;
  if (apt('update', '-qq') !== 0 || apt('install', '-y', '-qq', '--no-install-recommends', 'chromium') !== 0) {
    console.error(`Installing Chromium failed. By hand:\n  ${hint}`);
    process.exit(1);
  }
}
