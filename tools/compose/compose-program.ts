import type { GoProgram } from '#tools/go-program.ts';

const version = 'v2.40.3';

/** Is Docker Compose, at the version that the go.mod here pins. */
export const composeProgram: GoProgram = {
  name: 'docker-compose',
  version,
  moduleFolder: import.meta.dirname,
  package: 'github.com/docker/compose/v2/cmd',
  linkerFlags: `-X github.com/docker/compose/v2/internal.Version=${version}`,
};
