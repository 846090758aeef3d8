#!/bin/busybox sh
# First process of the guest's initramfs: the host's own file tree, read-only, as root; then commands from the host,
# one base64 line each, answered with the status and the output.
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs dev /dev
while read -r module; do insmod "/modules/$module" 2>/dev/null; done </modules/order
mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=262144 host /root || { echo "no file tree"; exec sh; }
mount -t proc proc /root/proc; mount -t sysfs sysfs /root/sys; mount -t devtmpfs dev /root/dev
mount -t tmpfs tmpfs /root/run; mkdir -p /root/run/udev /root/dev/pts; mount -t devpts devpts /root/dev/pts
exec chroot /root /bin/bash -s <<'COMMANDS'
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/run TMPDIR=/run
for word in $(cat /proc/cmdline); do case $word in lab=*) lab=${word#lab=};; esac; done
ip link set lo up
modprobe() { /sbin/modprobe -d "$lab/kernel" "$@"; }
for module in xhci_pci usblp ftdi_sio usbhid hid_generic evdev virtio_console; do modprobe $module; done
# libusb learns of plugging in from udev.
(exec -a systemd-udevd "$lab/udev/bin/udevadm" --daemon)
until port=$(ls /dev/vport*p1 2>/dev/null); do sleep 0.1; done
exec 3<>"$port"
echo READY >&3
while IFS= read -r line <&3; do
  ( id=${line%% *}; output=$(bash -c "$(printf %s "${line#* }" | base64 -d)" 2>&1 </dev/null); status=$?
    printf '%s %s %s\n' "$id" "$status" "$(printf %s "$output" | base64 -w0)" >&3 ) &
done
COMMANDS
