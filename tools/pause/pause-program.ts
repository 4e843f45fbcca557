import type { GoProgram } from '#tools/go-program.ts';

/** Is what a container runtime runs first in each pod; a static program, so its image needs nothing else. */
export const pauseProgram: GoProgram = {
  name: 'pause',
  version: 'v1.0.0',
  moduleFolder: import.meta.dirname,
  package: '.',
  linkerFlags: '',
};
