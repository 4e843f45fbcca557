import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { type Command, exitCodes, type Terminal, UsageError, type Values } from '../command.ts';
import { defaultConfig, findConfig, type Installation, withInstallation } from '../installation.ts';
import { installationHelp, installationOptions } from '../installation-options.ts';
import { type InstallationFacts, readInstallationFacts, unseenReason } from './installation-facts.ts';
import { describeStatus, reportStatus, type StatusReport } from './status-report.ts';

export const statusCommand: Command = {
  help: `Usage: latchkey status [--json] [options]

Lists the faults of an installation and their remediation: the webhook configuration, the certificates and
their rotation, the gateways and the other services, the leaders, the rules snapshot.
Reads only Kubernetes objects. Objects it may not read are listed and skipped.
Requires get on the Secrets, the Leases, the ConfigMap and the webhook configuration; list on pods and
endpointslices.

  --json               print {verdict, namespace, findings: [{about, summary, problems, unseen, facts}]} as JSON;
                       verdict is healthy, attention or unseen
${installationHelp}

Exit codes:
  0  healthy
  1  at least one fault, or the API server does not answer
  2  the command line is invalid
  4  no fault found, but some objects could not be read
`,
  options: { ...installationOptions, json: { type: 'boolean' } },
  async run(terminal, values, positionals) {
    if (positionals.length > 0) throw new UsageError('status takes options only');
    const report = await withInstallation(terminal, values, async (installation) => {
      const found = await findOrDefault(terminal, values, installation);
      return reportStatus(await readInstallationFacts(installation, found, terminal.clock.now()));
    });
    if (values.json === true) terminal.output.json(report);
    else terminal.output.lines(describeStatus(report));
    return verdictCodes[report.verdict];
  },
};

const verdictCodes: Record<StatusReport['verdict'], number> = {
  healthy: exitCodes.done,
  attention: exitCodes.refused,
  unseen: exitCodes.unseen,
};

/**
 * Reads the configuration. One that is invalid in the cluster is part of the report; an invalid `--config` is not.
 */
async function findOrDefault(
  terminal: Terminal,
  values: Values,
  installation: Installation,
): Promise<InstallationFacts['found']> {
  try {
    return await findConfig(terminal, values, installation);
  } catch (err) {
    if (!(err instanceof LatchkeyError) || values.config !== undefined) throw err;
    if (err.code === 'CONFIG_INVALID') return { ...defaultConfig(), problem: err.message };
    if (err.fields.statusCode === 0) throw err;
    return { ...defaultConfig(), unseen: unseenReason(err) };
  }
}
