/** Where the random values of the properties begin. */
import process from 'node:process';
import fc from 'fast-check';

/** The same values every time: whether a change is good does not hang on luck. */
const SEED = 20_260_801;

const asked = process.env['VISAVIS_SEED'];
if (asked !== 'random') fc.configureGlobal({ seed: asked === undefined ? SEED : Number(asked) });
