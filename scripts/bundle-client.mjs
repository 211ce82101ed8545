// The client library in one file, for script tags: dist/client/visavis.js is a module, visavis.global.js a classic script.
import { rolldown } from 'rolldown';

const folder = new URL('../', import.meta.url).pathname;
const bundle = await rolldown({ input: `${folder}dist/client/library/script.js`, platform: 'browser' });
const minify = true;
await bundle.write({ file: `${folder}dist/client/visavis.js`, format: 'esm', minify });
await bundle.write({ file: `${folder}dist/client/visavis.global.js`, format: 'iife', name: 'visavis', minify });
await bundle.close();
