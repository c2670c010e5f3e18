"""One QMP command to a qemu: SOCKET COMMAND [ARGUMENTS], arguments and answer as JSON."""
import json
import socket
import sys

s = socket.socket(socket.AF_UNIX)
s.settimeout(30)
s.connect(sys.argv[1])
f = s.makefile("rw")


def ask(name, args):
    f.write(json.dumps({"execute": name, "arguments": args}) + "\n")
    f.flush()
    for line in f:
        answer = json.loads(line)
        if "error" in answer:
            sys.exit("qmp %s: %s" % (name, answer["error"]["desc"]))
        if "return" in answer:
            return answer["return"]
    sys.exit("qmp %s: qemu has gone" % name)


f.readline()  # the greeting
ask("qmp_capabilities", {})
print(json.dumps(ask(sys.argv[2], json.loads(sys.argv[3]) if len(sys.argv) > 3 else {})))
