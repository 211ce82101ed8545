/** What depends on what in a graph. */
import type { OnnxNode } from './onnx-file.ts';

/** The tensors that a node reads, its subgraphs too. */
export const readBy = (node: OnnxNode): readonly string[] =>
  [...node.inputs, ...node.captured].filter((name) => name !== '');

/** All tensors that depend on one of `roots`, and `roots` themselves. */
export const descendants = (nodes: readonly OnnxNode[], roots: readonly string[]): ReadonlySet<string> => {
  const tensors = new Set(roots);
  // Nodes stand in topological order (onnx.proto), so one pass is enough.
  for (const node of nodes)
    if (readBy(node).some((name) => tensors.has(name))) for (const out of node.outputs) tensors.add(out);
  return tensors;
};

/** Nodes that `targets` depend on, in order; tensors of `stops` count as given. */
export const ancestors = (
  nodes: readonly OnnxNode[],
  targets: readonly string[],
  stops: ReadonlySet<string> = new Set(),
): OnnxNode[] => {
  const needed = new Set(targets.filter((name) => !stops.has(name)));
  const found: OnnxNode[] = [];
  for (const node of nodes.toReversed()) {
    if (!node.outputs.some((name) => needed.has(name))) continue;
    found.push(node);
    for (const name of readBy(node)) if (!stops.has(name)) needed.add(name);
  }
  return found.toReversed();
};
