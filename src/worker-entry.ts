/**
 * Where a worker thread's compiled file is. Under vitest the sources run as TypeScript, but a worker is started by Node
 * itself, which (before 22.18) reads JavaScript only: then the worker runs from `dist`, which `npm run build` makes.
 *
 * @param importMetaUrl - `import.meta.url` of the calling file, in `src` or in `dist/src`.
 * @param relative - path of the worker's source from there, for example `./media-thread.ts`.
 */
export const workerEntry = (importMetaUrl: string, relative: string): URL => {
  const source = new URL(relative, importMetaUrl);
  const path = source.pathname.replace(/\.ts$/, '.js');
  const compiled = importMetaUrl.endsWith('.ts') ? path.replace(/\/src\/(?!.*\/src\/)/, '/dist/src/') : path;
  return new URL(`file://${compiled}`);
};
