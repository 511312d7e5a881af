"""A server on this machine that speaks TLS. Usage: tls.py https|starttls CERTIFICATE KEY

Says its port, and then a line for each thing it was told: "taken" for a post or mail that came whole, "broken" for a
connection that ended before. Ends with its standard input."""

import os
import socket
import ssl
import sys
import threading

KIND, CERTIFICATE, KEY = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(CERTIFICATE, KEY)
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()


def https(plain):
    with context.wrap_socket(plain, server_side=True) as peer, peer.makefile("rwb") as wire:
        length = 0
        while line := wire.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        body = wire.read(length)
        wire.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        return bool(body)


def starttls(plain):
    wire = plain.makefile("rwb", 0)
    wire.write(b"220 localhost\r\n")
    secure = False
    while line := wire.readline().strip().upper():
        if line.startswith(b"EHLO"):
            wire.write(b"250 localhost\r\n" if secure else b"250-localhost\r\n250 STARTTLS\r\n")
        elif line == b"STARTTLS":
            wire.write(b"220 go on\r\n")
            wire = context.wrap_socket(plain, server_side=True).makefile("rwb", 0)
            secure = True
        elif line == b"DATA":
            wire.write(b"354 go on\r\n")
            while wire.readline() != b".\r\n":
                pass
            wire.write(b"250 taken\r\n")
            return secure
        else:
            wire.write(b"250 fine\r\n" if secure or line == b"QUIT" else b"530 not in clear\r\n")
    return False


while True:
    plain, _ = server.accept()
    try:
        took = {"https": https, "starttls": starttls}[KIND](plain)
    except (OSError, ssl.SSLError):
        took = False
    print("taken" if took else "broken", flush=True)
