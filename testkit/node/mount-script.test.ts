import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cgroupFolders } from './cgroup-folders.ts';
import { mountScript, nodeSysctls } from './mount-script.ts';

const version1 = cgroupFolders('cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0', 'mine');
const version2 = cgroupFolders('cgroup2 /sys/fs/cgroup cgroup2 rw 0 0', 'mine');

test('parameters that a kubelet sets are covered after the rest of the machine’s was made unwritable', () => {
  const lines = mountScript('node1', version1).split('\n');
  const readOnly = lines.indexOf('mount -o remount,bind,ro /proc/sys');
  for (const parameter of Object.keys(nodeSysctls)) {
    const at = lines.findIndex((line) => line.endsWith(` /proc/sys/${parameter}`));
    assert.ok(at > readOnly, parameter);
  }
});

test('the node sees its own cgroups in place of the machine’s', () => {
  const lines = mountScript('node1', version1).split('\n');
  const hidden = lines.indexOf('umount -R /sys/fs/cgroup');
  assert.ok(lines.indexOf('mount -t cgroup -o memory cgroup /sys/fs/cgroup/memory') > hidden);
  assert.ok(mountScript('node1', version2).split('\n').includes('mount -t cgroup2 cgroup /sys/fs/cgroup'));
});
