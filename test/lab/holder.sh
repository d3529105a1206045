#!/bin/sh
# Holds one network namespace open (started by `unshare --net`). When its input ends, because the lab was disposed of or because its
# maker died, even by SIGKILL, it ends whatever still runs in the namespace, unmounts what lies below $1 and removes $1. With the
# last process the kernel removes the namespace and its links.
here=$(readlink /proc/self/ns/net)
# $2 is the namespace of the maker. In that one this script would end the whole machine.
[ -n "$2" ] && [ "$here" != "$2" ] || exit 1
# No router solicitations and no neighbour discovery among the counted bytes.
echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6
echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6
echo 0 > /proc/sys/net/ipv4/ip_forward
ip link set lo up || exit 1
echo ready
cat > /dev/null
for round in 1 2 3; do
  # The pipeline names itself too, but has ended by then.
  for pid in $(ls -l /proc/[0-9]*/ns/net 2> /dev/null | grep -F "$here" | sed 's,.*/proc/\([0-9]*\)/.*,\1,'); do
    [ "$pid" != $$ ] && kill -9 "$pid" 2> /dev/null
  done
done
[ -n "$1" ] || exit 0
grep -o " $1/[^ ]*" /proc/mounts | sort -r | while read -r mount; do umount -l "$mount"; done
rm -rf --one-file-system "$1" 2> /dev/null
exit 0
