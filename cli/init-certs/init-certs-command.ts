import { type Command, exitCodes, UsageError } from '../command.ts';
import {
  defaultConfig,
  findConfig,
  namespaceOf,
  readConfigOption,
  requireOwnCertificates,
  withInstallation,
} from '../installation.ts';
import { installationHelp, installationOptions } from '../installation-options.ts';
import { certificateManifests } from './certificate-manifests.ts';
import { initCerts, type Outcome } from './init-certs.ts';

export const initCertsCommand: Command = {
  help: `Usage: latchkey init-certs [--force] [--json] [options]
       latchkey init-certs --print [--config latchkey.yaml] [--namespace NS]

Creates the CA Secret, the bundle in the webhook configuration and the serving Secret before cert-manager
runs, which then adopts them. It is idempotent: valid objects are kept. Without --force, an invalid Secret
(wrong key, expired, another CA, not PEM) is never overwritten, and nothing else is written.
Requires the rights of deploy/variants/init-certs-job.yaml; with --force also update and delete on the Secrets.

  --print              print new Secrets as YAML without a cluster, for sealed-secrets or SOPS; with
                       webhook.manage: false the webhook configuration too. The output contains private keys.
  --force              replace an invalid Secret
  --json               print [{kind, name, action, fingerprint, validTo, reason}] as JSON; action is one of created, kept,
                       replaced, repaired, left (a webhook configuration that is paused or managed elsewhere)
${installationHelp}

Exit codes:
  0  all objects exist
  1  refused: a Secret is invalid, or rejected by the API server or latchkey.yaml
  2  the command line is invalid
`,
  options: {
    ...installationOptions,
    print: { type: 'boolean' },
    force: { type: 'boolean' },
    json: { type: 'boolean' },
  },
  async run(terminal, values, positionals) {
    if (positionals.length > 0) throw new UsageError('init-certs takes options only');
    const { output, clock } = terminal;
    if (values.print === true) {
      if (values.force === true || values.json === true) {
        throw new UsageError('--print excludes --force and --json');
      }
      const found = (await readConfigOption(terminal, values)) ?? defaultConfig();
      requireOwnCertificates(found);
      const namespace = namespaceOf(terminal, values);
      for (const object of await certificateManifests({
        config: found.config,
        namespace,
        nowMs: clock.now(),
      })) {
        output.line('---');
        output.yaml(object);
      }
      return exitCodes.done;
    }
    const outcomes = await withInstallation(terminal, values, async (installation) => {
      const { namespace } = installation;
      const found = await findConfig(terminal, values, installation);
      requireOwnCertificates(found);
      const { config } = found;
      const force = values.force === true;
      return await initCerts({ installation, namespace, config, nowMs: clock.now(), force });
    });
    if (values.json === true) output.json(outcomes);
    else output.lines(outcomes.map(describeOutcome));
    return exitCodes.done;
  },
};

const actionWords: Record<Outcome['action'], string> = {
  created: 'created',
  replaced: 'replaced',
  kept: 'kept',
  repaired: 'repaired',
  left: 'left as it is',
};

const describeOutcome = ({ kind, name, action, validTo, reason }: Outcome): string =>
  [
    `${kind} ${name}: ${actionWords[action]}`,
    validTo === undefined ? [] : `valid until ${validTo}`,
    reason ?? [],
  ]
    .flat()
    .join(', ');
