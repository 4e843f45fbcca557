# Process 1 of a container engine with mounts and processes of its own: its end kills and unmounts everything.
# Usage: engine-init.sh <folder> <cgroup> <host|own: the network>
set -eu
folder=$1 cgroup=$2 network=$3
mount --make-rprivate /
mount -t proc proc /proc
# The machine's /run stays as it is; names are still resolved where its resolv.conf lies there.
resolver=$(readlink -f /etc/resolv.conf)
cp "$resolver" "$folder/resolv.conf"
mount -t tmpfs tmpfs /run
# Holds the key that the engine makes for itself.
[ ! -d /etc/docker ] || mount -t tmpfs tmpfs /etc/docker
[ -e "$resolver" ] || { mkdir -p "$(dirname "$resolver")" && cp "$folder/resolv.conf" "$resolver"; }
if [ "$network" = own ]; then
  ip link set lo up
  set --
else
  # Changes nothing of a network that it shares with the machine.
  set -- --bridge=none --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false
fi
dockerd --data-root "$folder/data" --exec-root /run/docker --pidfile /run/docker.pid \
  --host "unix://$folder/docker.sock" \
  --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "/$cgroup" "$@" &
wait $!
