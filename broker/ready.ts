/** Tells systemd how far the service is. Node has no Unix datagram sockets; `systemd-notify` does. */
import { spawn } from "node:child_process";

/** Does nothing where no systemd asks to be told. */
export function notifySystemd(what: "--ready" | "STOPPING=1"): void {
  if (!process.env.NOTIFY_SOCKET) return;
  const child = spawn("systemd-notify", [`--pid=${process.pid}`, what], { stdio: "ignore" });
  child.once("error", () => {});
  child.unref();
}
