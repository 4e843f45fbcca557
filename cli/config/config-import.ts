import { describeConfigIssues, describeProblems } from '#shared/config/config-issue.ts';
import { inlineProblems } from '#shared/config/inline-problems.ts';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { checkShape } from '#shared/contracts/shapes/check-shape.ts';
import { isObject, type JsonObject, member, scalarText } from '#shared/core/text/json-object.ts';
import { quote } from '#shared/core/text/plain-text.ts';
import { usualConfigurationName } from '#shared/installation/webhook-configuration.ts';
import { serviceProblems } from '#shared/managers/chain/chain-problems.ts';
import type { FlyteSection } from './find-flyte-sections.ts';
import { requireServed } from './flyte-chain.ts';
import type { FlyteField } from './flyte-fields.ts';
import { absentParts, mappings, type Remarks } from './flyte-mappings.ts';

/** A field of Flyte's that latchkey.yaml cannot say, or says otherwise, and why. */
interface Remark {
  field: string;
  why: string;
}

export interface ImportedConfig {
  /** What latchkey.yaml has to hold. */
  config: JsonObject;
  remarks: Remark[];
}

/** Name of the object where a chart does not name it after its release: that of flyte-core. */
const usualName = 'flyte-pod-webhook';
const nameField = 'webhook.serviceName';

/**
 * latchkey.yaml for what Flyte's webhook was configured to do, and keeps its pods working: requests
 * are trusted (`k8s.inventory: open`) in every namespace, as Flyte trusts them.
 * @param objectName name of Flyte's MutatingWebhookConfiguration, where the section does not tell it
 * @throws CONFIG_INVALID when a value is not one that latchkey accepts, or a manager is listed that it does not have
 */
export function importFlyteConfig(
  section: FlyteSection,
  source: string,
  objectName?: string,
): ImportedConfig {
  const fields = withoutOverridden(section.fields);
  requireServed(section, fields);
  const remarks: Remark[] = [];
  const config: JsonObject = {
    chain: ['global', 'k8s'],
    k8s: { inventory: 'open', namespaces: { selector: { matchLabels: {} } } },
    webhook: { configurationName: usualName, adopt: false },
  };
  for (const [path, mapping] of mappings) {
    const field = fields.get(path);
    if (field === undefined) continue;
    const remark: Remarks = (why) => void remarks.push({ field: field.shown, why });
    if ('why' in mapping) remark(mapping.why);
    else assign(config, mapping.to, mapping.convert?.(field.value, remark) ?? field.value);
  }
  for (const [path, { shown }] of fields) {
    if (mappings.has(path)) continue;
    const part = absentParts.find(({ prefix }) => path.startsWith(prefix));
    remarks.push({ field: shown, why: part?.why ?? "latchkey does not know this field of Flyte's" });
  }
  if (objectName !== undefined) assign(config, ['webhook', 'configurationName'], objectName);
  else if (section.chart !== undefined && !fields.has('webhook.servicename')) guessName(config, remarks);
  requireName(member(config.webhook, 'configurationName'));
  leaveToGitOps(config);
  closeBeforeOthers(config, remarks);
  check(config, source);
  return { config, remarks };
}

/** Takes out what Flyte does not read: one manager beside a list of several, and fields that are null. */
function withoutOverridden(fields: ReadonlyMap<string, FlyteField>): Map<string, FlyteField> {
  const types = fields.get('webhook.secretmanagertypes')?.value;
  const isListed = Array.isArray(types) && types.length > 0;
  const unread = isListed ? 'webhook.secretmanagertype' : 'webhook.secretmanagertypes';
  return new Map([...fields].filter(([path, { value }]) => path !== unread && value !== null));
}

/** @throws CONFIG_INVALID when the name is none, as where the values of a chart have a template in its place */
function requireName(name: unknown): void {
  if (/^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/.test(String(name))) return;
  throw new LatchkeyError(
    'CONFIG_INVALID',
    `${nameField} ${quote(scalarText(name))} is no name of an object: give the rendered chart, or the name with --object NAME`,
  );
}

/** The values of the chart flyte-binary do not tell the name, which follows from the release. */
function guessName(config: JsonObject, remarks: Remark[]): void {
  const name = 'flyte-binary-webhook';
  assign(config, ['webhook', 'configurationName'], name);
  remarks.push({
    field: nameField,
    why: `the chart flyte-binary names the webhook after its release, so ${name} is a guess: see kubectl get mutatingwebhookconfigurations, and import again with --object NAME if it is another one`,
  });
}

function assign(config: JsonObject, [name, ...inside]: readonly string[], value: unknown): void {
  if (name === undefined) return;
  if (inside.length === 0) {
    config[name] = value;
    return;
  }
  const section = member(config, name);
  const target: JsonObject = isObject(section) ? section : {};
  config[name] = target;
  assign(target, inside, value);
}

/** Without `manage` its caBundle is kept: it must not be Flyte's object before that calls latchkey. */
function leaveToGitOps(config: JsonObject): void {
  if (member(config.webhook, 'manage') === false)
    config.webhook = { ...webhookOf(config), configurationName: usualConfigurationName };
}

const webhookOf = ({ webhook }: JsonObject): JsonObject => (isObject(webhook) ? webhook : {});

/** An open manager takes every request that it could serve, so that a later one would never be asked. */
function closeBeforeOthers(config: JsonObject, remarks: Remark[]): void {
  const chain: unknown[] = Array.isArray(config.chain) ? config.chain : [];
  const position = chain.indexOf('k8s');
  if (position === -1 || position === chain.length - 1) return;
  assign(config, ['k8s', 'inventory'], 'closed');
  remarks.push({
    field: 'webhook.secretManagerTypes',
    why: 'k8s stands before other managers, so it is asked for what exists only (k8s.inventory: closed)',
  });
}

function check(config: JsonObject, source: string): void {
  const parsed = checkShape(latchkeyConfigSchema, config);
  const target = `${source}, as latchkey.yaml,`;
  if (!parsed.success)
    throw new LatchkeyError('CONFIG_INVALID', describeConfigIssues(target, parsed.error.issues));
  const problems = [...serviceProblems(parsed.data), ...inlineProblems(parsed.data)];
  if (problems.length > 0) throw new LatchkeyError('CONFIG_INVALID', describeProblems(target, problems));
}
