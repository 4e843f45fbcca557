import assert from 'node:assert/strict';
import { test } from 'node:test';
import { containerdConfiguration } from './containerd-configuration.ts';
import { controlPlaneArguments } from './control-plane-arguments.ts';
import { kubeletConfiguration } from './kubelet-configuration.ts';
import { nodeArguments } from './node-arguments.ts';
import { clusterMount } from './node-folder.ts';
import { podNetworkConfiguration } from './pod-network-configuration.ts';

/** Every absolute path in a text, but those of programs of the machine. */
const pathsIn = (text: string): string[] =>
  Array.from(text.matchAll(/(?<=["=]|unix:\/\/)\/[a-z][\w./-]*/g), ([path]) => path).filter(
    (path) => path !== '/usr/lib/cni',
  );

test('programs of a node write into the folder of the cluster and nowhere else', () => {
  const texts = [
    containerdConfiguration('node1'),
    JSON.stringify(kubeletConfiguration('node1')),
    JSON.stringify(podNetworkConfiguration('node1', 1)),
    ...controlPlaneArguments.etcd('node1'),
    ...controlPlaneArguments.apiServer(),
    ...nodeArguments.kubelet('node1', 1),
    ...nodeArguments.proxy('node1'),
  ];
  const paths = texts.flatMap(pathsIn);
  assert.ok(paths.length > 15, paths.join());
  assert.deepEqual(
    paths.filter((path) => !path.startsWith(`${clusterMount}/`)),
    [],
  );
});

test('the kubelet asks the containerd that its node started', () => {
  const { containerRuntimeEndpoint } = kubeletConfiguration('node2');
  assert.ok(containerdConfiguration('node2').includes(containerRuntimeEndpoint.slice('unix://'.length)));
});
