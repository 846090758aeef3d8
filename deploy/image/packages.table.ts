/** Debian packages in the image. What they depend on comes too, but for what is withheld. */

export const RELEASE = "trixie";
export const ARCH = "arm64";

export const PACKAGES = [
  "base-files",
  "base-passwd",
  "libc-bin",
  "systemd",
  "systemd-sysv",
  "systemd-resolved",
  "systemd-timesyncd",
  "udev",
  "kmod",
  "mount",
  "util-linux",
  // The partition table at the first start; the file systems after a power cut.
  "fdisk",
  "e2fsprogs",
  "dosfstools",
  // The shell of a few small scripts and of who comes in by SSH.
  "dash",
  "bash",
  "coreutils",
  "grep",
  "sed",
  "nftables",
  // `ss` and `ip`, for who looks whether anything listens.
  "iproute2",
  "wpasupplicant",
  "wireless-regdb",
  "firmware-brcm80211",
  "raspi-firmware",
  // Node's own libraries.
  "libstdc++6",
  "libgcc-s1",
  // Printers on USB; a keypad's grab (keypad/evdev.ts).
  "libusb-1.0-0",
  "perl-base",
  // Only started where a key was given.
  "dropbear-bin",
  // For the initramfs.
  "busybox-static",
] as const;

/** Dependencies that are not taken: installers and what only they need, other ways to log in, a message bus. */
export const WITHHELD = new Set([
  "adduser",
  "cpio",
  "dbus",
  "dbus-bin",
  "dbus-daemon",
  "dbus-session-bus-common",
  "dbus-system-bus-common",
  "debconf",
  "debianutils",
  "dpkg",
  "dracut-install",
  "gcc-14-base",
  "initramfs-tools",
  "initramfs-tools-bin",
  "initramfs-tools-core",
  "init-system-helpers",
  "klibc-utils",
  "libklibc",
  "libpam-modules",
  "libpam-modules-bin",
  "libpam-runtime",
  "linux-base",
  "login",
  "login.defs",
  "logsave",
  "mawk",
  "openssl-provider-legacy",
  "passwd",
  "readline-common",
  "sensible-utils",
  "tar",
]);

/** The kernel of most Pis; and the one that knows the Pi 5's RP1. */
export const KERNEL = "linux-image-arm64";
export const KERNEL_PI5 = "linux-image-arm64/trixie-backports";
