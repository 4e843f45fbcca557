import type { GoProgram } from '#tools/go-program.ts';

/** Is process 1 of each pod and of each node; a static program, so its image needs nothing else. */
export const pauseProgram: GoProgram = {
  name: 'pause',
  version: 'v1.0.0',
  moduleFolder: import.meta.dirname,
  package: '.',
  linkerFlags: '',
};
