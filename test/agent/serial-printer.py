"""The other side of a serial line: a pseudo-terminal whose master end this program has.

    serial-printer.py            takes what it is told to: "take N" says how many bytes it took (it waits for them),
                                 "empty" takes what is there, "say HEX" speaks
    serial-printer.py RATE SIZE  takes exactly RATE bytes a second, as a line would, until it has SIZE bytes; then says
                                 the seconds it took, those in which no byte was there to be sent, and the longest of these

The first line of its output is the terminal's name.
"""

import fcntl, os, pty, select, struct, sys, termios, time, tty

master, slave = pty.openpty()
tty.setraw(slave)
print(os.ttyname(slave), flush=True)


def waiting():
    return struct.unpack("i", fcntl.ioctl(master, termios.FIONREAD, b"\0\0\0\0"))[0]


def take(size):
    left = size
    while left > 0:
        left -= len(os.read(master, left))
    return size


def empty():
    taken = 0
    while select.select([master], [], [], 0.05)[0]:
        taken += len(os.read(master, 65536))
    return taken


def obey():
    for line in sys.stdin:
        verb, _, rest = line.strip().partition(" ")
        if verb == "take":
            print(take(int(rest)), flush=True)
        elif verb == "empty":
            print(empty(), flush=True)
        else:
            os.write(master, bytes.fromhex(rest))


def pace(rate, size):
    select.select([master], [], [])
    begin = now = time.monotonic()
    taken = 0
    # When the byte on the line now will have left: a line that was idle does not catch up.
    free = begin
    idle = longest = dry_since = 0.0
    while taken < size:
        due = int((now - free) * rate)
        there = waiting() if due > 0 else 0
        if due > 0 and there > 0:
            if dry_since:
                gap = now - dry_since
                idle += gap
                longest = max(longest, gap)
                free, dry_since, due = now, 0.0, 1
            got = len(os.read(master, min(due, there)))
            taken += got
            free += got / rate
        elif due > 0 and not dry_since and not select.select([master], [], [], 0)[0]:
            dry_since = free
        time.sleep(0.001)
        now = time.monotonic()
    print(free - begin, idle, longest, flush=True)
    sys.stdin.read()


if len(sys.argv) > 1:
    pace(float(sys.argv[1]), int(sys.argv[2]))
else:
    obey()
