import { randomUUID } from 'node:crypto';
import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import { readObject } from '#shared/kubernetes/objects/read-objects.ts';
import type { Secret } from '#shared/kubernetes/requests/kubernetes-object.ts';
import { type Command, exitCodes, type Terminal, UsageError, type Values } from '../command.ts';
import { findConfig, type Installation, requireOwnCertificates, withInstallation } from '../installation.ts';
import { installationHelp, installationOptions } from '../installation-options.ts';
import { type FollowEnd, followRotation } from './follow-rotation.ts';
import { parseDuration } from './parse-duration.ts';
import { jsonWriter, lineWriter, type ProgressWriter, screenWriter } from './progress-writer.ts';
import { type Requested, requestRotation } from './request-rotation.ts';
import type { Target } from './rotation-status.ts';

export const rotateCommand: Command = {
  help: `Usage: latchkey rotate --ca|--leaf [--wait] [--timeout 30m] [--json] [options]

Requests a new CA (--ca) or a new serving certificate (--leaf) from cert-manager, which advances phase by
phase and waits for every gateway. --wait prints each phase and what it waits for. If a rotation is already
in progress, no new one starts, and --wait follows the current one.
Requires get and patch on the Secret; without --config also get on the ConfigMap.

  --ca                 rotate the CA: the next CA is trusted first, then used, and the old one is removed last
                       (after tls.rotation.overlapHours)
  --leaf               rotate the serving certificate, issued by the same CA
  --wait               wait until it is done. Ctrl-C stops waiting, not the rotation
  --timeout DURATION   limit for --wait: 90s, 30m, 2h, 1d; default 30m, for --ca plus the overlap
  --json               print one JSON object per line: {at, target, id, outcome, phase, since, waitingFor}
${installationHelp}

Exit codes:
  0    requested; with --wait: done
  1    refused by cert-manager or the API server, or, without --wait, because a rotation is in progress
  2    the command line is invalid
  3    superseded by another request
  124  timed out; the rotation continues
  130  Ctrl-C; the rotation continues
`,
  options: {
    ...installationOptions,
    ca: { type: 'boolean' },
    leaf: { type: 'boolean' },
    wait: { type: 'boolean' },
    timeout: { type: 'string' },
    json: { type: 'boolean' },
  },
  async run(terminal, values, positionals) {
    if (positionals.length > 0) throw new UsageError('rotate takes options only');
    if ((values.ca === true) === (values.leaf === true)) throw new UsageError('give one of --ca and --leaf');
    if (values.timeout !== undefined) {
      if (values.wait !== true) throw new UsageError('--timeout requires --wait');
      parseDuration(String(values.timeout));
    }
    const target = values.ca === true ? 'ca' : 'leaf';
    return await withInstallation(terminal, values, (installation) =>
      rotate(terminal, values, installation, target),
    );
  },
};

async function rotate(
  terminal: Terminal,
  values: Values,
  installation: Installation,
  target: Target,
): Promise<number> {
  const { kubernetes, namespace } = installation;
  const found = await findConfig(terminal, values, installation);
  requireOwnCertificates(found);
  const { tls } = found.config;
  const name = target === 'ca' ? tls.caSecretName : tls.servingSecretName;
  const readSecret = () => readObject<Secret>(kubernetes, { resource: 'secrets', namespace, name });
  const id = randomUUID();
  const requested = await requestRotation(installation, { target, name, id, readSecret });
  if (values.wait !== true) return leaveAlone(terminal, values, target, requested);
  const writer = createWriter(terminal, values, target, requested);
  const end = await followRotation({
    readSecret,
    target,
    followed: requested.followed,
    timeoutMs: timeoutMs(values, target, tls),
    interrupted: terminal.onInterrupt(),
    onStatus: writer.show,
    clock: terminal.clock,
  });
  writer.end(end);
  return endCodes[end.outcome];
}

const endCodes: Record<FollowEnd['outcome'], number> = {
  done: exitCodes.done,
  refused: exitCodes.refused,
  superseded: exitCodes.superseded,
  timedOut: exitCodes.timedOut,
  interrupted: exitCodes.interrupted,
};

function leaveAlone(
  terminal: Terminal,
  values: Values,
  target: Target,
  { followed, isOurs }: Requested,
): number {
  const { id } = followed;
  const outcome = isOurs ? 'requested' : 'underWay';
  const words = isOurs
    ? `requested a new ${nouns[target]} (request ${id}); \`latchkey rotate --${target} --wait\` follows it`
    : `nothing was started: a rotation is in progress (${id}); --wait follows it`;
  const at = new Date(terminal.clock.now()).toISOString();
  if (values.json === true) terminal.output.json({ at, target, id, outcome }, 0);
  else terminal.output.line(words);
  return isOurs ? exitCodes.done : exitCodes.refused;
}

const nouns: Record<Target, string> = { ca: 'CA', leaf: 'serving certificate' };

function createWriter(
  terminal: Terminal,
  values: Values,
  target: Target,
  { followed, isOurs }: Requested,
): ProgressWriter {
  const { output } = terminal;
  if (values.json === true) return jsonWriter(terminal, { target, id: followed.id });
  const words = isOurs ? `requested a new ${nouns[target]}` : 'a rotation is in progress, following it';
  output.line(`${words} (${followed.id})`);
  return output.isScreen ? screenWriter(terminal, target) : lineWriter(terminal, target);
}

const defaultTimeout = '30m';

function timeoutMs({ timeout }: Values, target: Target, { rotation }: LatchkeyConfig['tls']): number {
  if (timeout !== undefined) return parseDuration(String(timeout));
  return parseDuration(defaultTimeout) + (target === 'ca' ? rotation.overlapHours * 3_600_000 : 0);
}
