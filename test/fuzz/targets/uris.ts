/** What a person writes in the settings to name hardware: printers, keypads, pins; and spans of time. */
import { DeviceError } from "../../../agent/device.ts";
import { parsePin } from "../../../agent/gpio.ts";
import { checkDeviceUri } from "../../../agent/open-device.ts";
import { parsePwm } from "../../../agent/panel-buzzer.ts";
import { formatDuration, parseDuration } from "../../../cli/duration.ts";
import { KeypadError } from "../../../keypad/keypad.ts";
import { checkKeypadUri } from "../../../keypad/open-keypad.ts";
import { bytesOf, claim, type FuzzTarget, tolerate } from "../target.ts";

/** What is wrong with it is said in a sentence that shows nothing but itself on a terminal. */
function isTold(error: unknown): boolean {
  const isOurs =
    (error instanceof DeviceError && error.code === "device-unusable") ||
    (error instanceof KeypadError && error.code === "keypad-uri");
  if (isOurs) claim(!/[\0-\x1f\x7f-\x9f]/.test((error as Error).message), "no control in a message");
  return isOurs;
}

export const target: FuzzTarget = {
  about: "URIs of printers and keypads, pins, spans of time",
  maxBytes: 1200,
  words: [
    ...[
      "file:",
      "tcp:",
      "lp:",
      "serial:",
      "usb:",
      "tty:",
      "pipe:",
      "hid:",
      "evdev:",
      "//",
      "/dev/",
      "[::1]:9100",
    ],
    ...[
      "?connect=",
      "&drain=",
      "?serial=",
      "?port=",
      "?status=off",
      "?baud=",
      "&flow=",
      "&parity=",
      "%2f",
      "%00",
    ],
    ...["GPIO", "!GPIO", "pwm", "any", "30s", "8h", "7d"],
  ],
  seeds: () =>
    [
      ...[
        "file:/srv/printed",
        "tcp:192.0.2.7",
        "tcp://[2001:db8::7]:9100?connect=5&drain=60",
        "lp:/dev/usb/lp0",
      ],
      ...[
        "serial:/dev/ttyUSB0?baud=115200&flow=xonxoff&parity=even&data=7&stop=2",
        "usb:",
        "usb:04b8:0e15?port=1-1.4",
      ],
      ...["tty:", "pipe:/run/keys", "hid:any", "hid:05fe:1010", "hid:/dev/hidraw0", "evdev:gpio-keys"],
      ...["GPIO17", "!GPIO27", "pinctrl-bcm2711:4", "pwm0", "90s", "8h", "2d"],
    ].map(bytesOf),
  run(data) {
    const text = Buffer.from(data).toString("utf8");
    for (const check of [checkDeviceUri, checkKeypadUri]) tolerate(isTold, () => check(text));
    const pin = parsePin(text);
    claim(pin === null || (pin.line >= 0 && pin.line <= 9999), "a pin's number is bounded");
    parsePwm(text);
    const seconds = parseDuration(text);
    if (seconds === null) return;
    claim(Number.isSafeInteger(seconds) && seconds >= 0, `a span is whole seconds: ${seconds}`);
    claim(formatDuration(seconds) !== "", "and can be said");
  },
};
