#!/usr/bin/env bash
# The recipe of the machines: Debian 12 with ssh and the compilers of a few languages.
#
#     unshare --mount rootfs.sh FOLDER INSTALLED -- OFFERED
#
# FOLDER gets root, key and key.pub. The packages INSTALLED are there already (they are large); those OFFERED lie as
# files in the cache of apt, so that roles install them where there is no network. Needs root. The mounts made here end
# with the mount namespace that it runs in.
set -euo pipefail

folder=$1
shift
installed=() offered=()
while [[ $1 != -- ]]; do installed+=("$1") && shift; done
shift
offered=("$@")
root=$folder/root
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
umask 022

base=systemd,systemd-sysv,dbus,openssh-server,iproute2,procps,ca-certificates,python3,python3-apt,kmod
# Packages come from where this host gets its own, if it is the same Debian.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Codename: bookworm' 2>/dev/null | sort -u | sed -n 1p)
debootstrap --variant=minbase --include="$base" bookworm "$root" ${mirror:+"$mirror"} >"$folder/log"

mount -t proc proc "$root/proc"
# No service is started in there; the host's certificates and proxies are those that packages are reached with.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
cp "$root/etc/ssl/certs/ca-certificates.crt" "$folder/certificates"
cat /etc/ssl/certs/ca-certificates.crt >"$root/etc/ssl/certs/ca-certificates.crt"
apt-config dump | grep -i '^Acquire::https\?::proxy' >"$root/etc/apt/apt.conf.d/00host" || true
echo 'force-unsafe-io' >"$root/etc/dpkg/dpkg.cfg.d/quick"
rm -f "$root/etc/apt/apt.conf.d/docker-clean"
chroot "$root" apt-get update -qq
chroot "$root" apt-get install -y -qq --no-install-recommends "${installed[@]}" >>"$folder/log" 2>&1
rm -f "$root"/var/cache/apt/archives/*.deb
chroot "$root" apt-get install -y -qq --no-install-recommends --download-only "${offered[@]}" >>"$folder/log" 2>&1

ssh-keygen -q -t ed25519 -N '' -C shipd-ansible -f "$folder/key"
install -D -m 600 "$folder/key.pub" "$root/root/.ssh/authorized_keys"
rm -f "$root"/etc/ssh/ssh_host_*
ssh-keygen -q -t ed25519 -N '' -C shipd-ansible -f "$root/etc/ssh/ssh_host_ed25519_key"
cp "$root/etc/ssh/ssh_host_ed25519_key.pub" "$folder/host.pub"
printf 'UseDNS no\n' >"$root/etc/ssh/sshd_config.d/50-test.conf"
chroot "$root" systemctl --quiet enable ssh
chroot "$root" systemctl --quiet mask systemd-networkd.service systemd-networkd-wait-online.service console-getty.service \
    e2scrub_all.timer dpkg-db-backup.timer fstrim.timer getty@tty1.service
umount "$root/proc"
mv "$folder/certificates" "$root/etc/ssl/certs/ca-certificates.crt"
rm -f "$root/etc/apt/apt.conf.d/00host" "$root/usr/sbin/policy-rc.d" "$root/etc/hostname"
