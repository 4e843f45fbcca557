import { encodeAnnotation } from '#shared/core/flyte/secret-request.ts';
import { mountRequirementNames } from '#shared/core/flyte/secret-text.ts';
import { isObject, type JsonObject, member, scalarText } from '#shared/core/text/json-object.ts';

/**
 * The template of the pod that Flyte makes of a task template (flyteidl core.TaskTemplate, as a FlyteWorkflow holds it),
 * where its securityContext asks for secrets. Flyte writes the label and the annotations when it creates the pod.
 */
export function flyteTaskPod(task: JsonObject): JsonObject | undefined {
  const secrets = member(member(task, 'securityContext'), 'secrets');
  const container = member(task, 'container');
  const k8sPod = member(task, 'k8sPod');
  const podSpec = member(k8sPod, 'podSpec');
  const isTask = isObject(container) || Array.isArray(member(podSpec, 'containers'));
  if (!isTask || !Array.isArray(secrets) || secrets.length === 0) return undefined;
  const metadata = member(k8sPod, 'metadata');
  const requests = secrets.map((secret, index) => [`flyte.secrets/s${index}`, requestOf(secret)]);
  return {
    metadata: {
      labels: { ...objectAt(metadata, 'labels'), 'inject-flyte-secrets': 'true' },
      annotations: { ...objectAt(metadata, 'annotations'), ...Object.fromEntries(requests) },
    },
    spec: isObject(podSpec) ? podSpec : { containers: [{ name: 'task', image: member(container, 'image') }] },
  };
}

function requestOf(secret: unknown): string {
  const text = (name: string): string => {
    const value = member(secret, name);
    return typeof value === 'string' ? value : '';
  };
  const mount = member(secret, 'mountRequirement');
  const mountNumber =
    typeof mount === 'number' ? mount : mountRequirementNames.indexOf(scalarText(mount ?? 'ANY'));
  return encodeAnnotation({
    group: text('group'),
    groupVersion: text('groupVersion'),
    key: text('key'),
    envVar: text('envVar'),
    mountRequirement: Math.max(0, mountNumber),
  });
}

function objectAt(value: unknown, field: string): JsonObject {
  const found = member(value, field);
  return isObject(found) ? found : {};
}
