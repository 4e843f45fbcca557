import { type BuildContext, buildGoProgram } from './go-program.ts';
import { type NodeProgramName, nodePrograms } from './pinned-programs.ts';

/** Paths of the programs of a real node, built one after another where the cache lacks them. */
export async function buildNodePrograms(context: BuildContext): Promise<Record<NodeProgramName, string>> {
  const built: [NodeProgramName, string][] = [];
  for (const program of nodePrograms) built.push([program.name, await buildGoProgram(program, context)]);
  return Object.fromEntries(built) as Record<NodeProgramName, string>;
}
