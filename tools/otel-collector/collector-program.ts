import type { GoProgram } from '#tools/go-program.ts';

/** Is OpenTelemetry's collector at the version of docker-compose.yml, with the parts that deploy/compose/otel-collector.yaml names. */
export const collectorProgram: GoProgram = {
  name: 'otelcol',
  version: 'v0.140.0',
  moduleFolder: import.meta.dirname,
  package: '.',
  linkerFlags: '',
};
