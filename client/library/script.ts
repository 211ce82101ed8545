/** What a script tag loads: defines `<visavis-avatar>` and gives the rest as the global `visavis`. */
export * from './element.ts';
export * from './index.ts';
