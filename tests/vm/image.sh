#!/usr/bin/env bash
# The recipe of the emulated machine: Debian 12 with what tests/jail and the roles of ansible/ need, as a disk image, a
# kernel and an initrd. What takes processor time is done here, where nothing is emulated.
#
#     unshare --mount image.sh FOLDER PYTHON LOCK PACKAGE...
#
# FOLDER gets disk.img, vmlinuz, initrd, key, key.pub and known_hosts. PYTHON is an interpreter with pip, LOCK the
# requirements that are installed from wherever its pip gets packages, each PACKAGE one that a role or a test installs.
# Needs root. The mounts made here end with the mount namespace that it runs in.
set -euo pipefail

folder=$1 python=$2 lock=$3
shift 3
root=$folder/root
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
umask 022

step() {
    printf 'shipd: image: %s\n' "$*"
}

# What boots, and what the tests call by name.
base=systemd,systemd-sysv,dbus,udev,kmod,openssh-server,iproute2,procps,ca-certificates
packages=(
    linux-image-cloud-amd64 initramfs-tools
    python3 python3-venv gcc libc6-dev libseccomp2 e2fsprogs mount util-linux nftables "$@"
)

# Packages come from where this host gets its own, if it is the same Debian.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Codename: bookworm' 2>/dev/null | sort -u | sed -n 1p)

step "unpacking Debian 12"
debootstrap --variant=minbase --include="$base" bookworm "$root" ${mirror:+"$mirror"} >"$folder/log"

step "installing ${packages[*]}"
mount -t proc proc "$root/proc"
# No service is started in there; the host's certificates and proxies are those that packages are reached with.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
cp "$root/etc/ssl/certs/ca-certificates.crt" "$folder/certificates"
cat /etc/ssl/certs/ca-certificates.crt >"$root/etc/ssl/certs/ca-certificates.crt"
apt-config dump | grep -i '^Acquire::https\?::proxy' >"$root/etc/apt/apt.conf.d/00host" || true
# Only what the disk and the network card need, which makes the initrd small and its unpacking quick.
install -D /dev/stdin "$root/etc/initramfs-tools/conf.d/small" <<<'MODULES=list'
printf '%s\n' virtio_pci virtio_blk virtio_net ext4 >>"$root/etc/initramfs-tools/modules"
chroot "$root" apt-get update -qq
chroot "$root" apt-get install -y -qq --no-install-recommends "${packages[@]}" >>"$folder/log" 2>&1

step "installing ${lock##*/} for its Python"
version=$(chroot "$root" python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
platforms=()
for minor in {36..5}; do platforms+=(--platform "manylinux_2_${minor}_x86_64"); done
platforms+=(--platform manylinux2014_x86_64 --platform manylinux2010_x86_64 --platform manylinux1_x86_64)
# In the place and by the name that the role `release` gives it, which finds it there. The machine's own Python, which
# runs tests/jail, sees it too.
made=/opt/shipd/pythons/$(sha256sum "$lock" | cut -c1-16)
chroot "$root" python3 -m venv --without-pip "$made"
"$python" -m pip install --quiet --disable-pip-version-check --root-user-action ignore --no-compile --require-hashes \
    --no-deps --only-binary :all: --implementation cp --python-version "$version" "${platforms[@]}" \
    --target "$root$made/lib/python$version/site-packages" --requirement "$lock" 2>>"$folder/log"
chroot "$root" python3 -m compileall -q "$made/lib/python$version/site-packages" >>"$folder/log" || true
sha256sum "$lock" | cut -d' ' -f1 >"$root$made/.installed"
install -D -m 644 /dev/stdin "$root/usr/local/lib/python$version/dist-packages/shipd.pth" \
    <<<"$made/lib/python$version/site-packages"

step "keys and settings"
ssh-keygen -q -t ed25519 -N '' -C shipd-vm -f "$folder/key"
install -D -m 600 "$folder/key.pub" "$root/root/.ssh/authorized_keys"
rm -f "$root"/etc/ssh/ssh_host_*
ssh-keygen -q -t ed25519 -N '' -C shipd-vm -f "$root/etc/ssh/ssh_host_ed25519_key"
printf 'shipd-vm %s\n' "$(cat "$root/etc/ssh/ssh_host_ed25519_key.pub")" >"$folder/known_hosts"
printf 'HostKey /etc/ssh/ssh_host_ed25519_key\nUseDNS no\n' >"$root/etc/ssh/sshd_config.d/shipd.conf"
echo shipd-vm >"$root/etc/hostname"
printf '127.0.0.1 localhost shipd-vm\n' >"$root/etc/hosts"
printf '/dev/vda / ext4 defaults,noatime 0 0\n' >"$root/etc/fstab"
# QEMU's own network has these addresses always; asking for them by DHCP only takes time.
printf '[Match]\nName=eth0\n[Network]\nAddress=10.0.2.15/24\nIPv6AcceptRA=no\nLinkLocalAddressing=no\n' \
    >"$root/etc/systemd/network/eth0.network"
chroot "$root" systemctl --quiet enable systemd-networkd ssh
chroot "$root" systemctl --quiet mask systemd-networkd-wait-online.service dpkg-db-backup.timer e2scrub_all.timer \
    fstrim.timer getty@tty1.service serial-getty@ttyS0.service
# What runs, runs because somebody started it: tests/jail has no use for servers.
chroot "$root" systemctl --quiet disable postgresql redis-server nginx unattended-upgrades \
    apt-daily.timer apt-daily-upgrade.timer
# Starts take as much longer as all else does.
install -D /dev/stdin "$root/etc/systemd/system.conf.d/slow.conf" <<<$'[Manager]\nDefaultTimeoutStartSec=15min'
mv "$folder/certificates" "$root/etc/ssl/certs/ca-certificates.crt"
rm -rf "$root/etc/apt/apt.conf.d/00host" "$root/usr/sbin/policy-rc.d" "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/*

step "writing the disk"
umount "$root/proc"
cp "$root"/boot/vmlinuz-* "$folder/vmlinuz"
cp "$root"/boot/initrd.img-* "$folder/initrd"
mkfs.ext4 -q -F -O ^has_journal -d "$root" "$folder/disk.img" 6G >>"$folder/log"
rm -rf "$root"
